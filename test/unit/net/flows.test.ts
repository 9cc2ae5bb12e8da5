import test, { type ExecutionContext } from 'ava'
import { metersFor } from '../../../director/apply/meters.ts'
import { createApplier } from '../../../shared/apply/apply.ts'
import type { Compiled } from '../../../shared/flows/compiled.ts'
import type { Owner } from '../../../shared/flows/cookie.ts'
import { flowContent, flowKey, groupContent, groupKey } from '../../../shared/flows/key.ts'
import type { Flow, Group } from '../../../shared/flows/types.ts'
import { FAMILIES } from '../../../shared/net/family.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import type { Switch } from '../../../shared/switch/types.ts'
import { startOpenVswitch } from '../../segment/open-vswitch.ts'
import { cleanupOf } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'
import { openSwitchOf } from './open-switch.ts'
import { directorScenes, hostScenes } from './scenes.ts'

const sessionWith = async (t: ExecutionContext, owner: Owner) =>
  openSwitchOf(t, await startOpenVswitch(cleanupOf(t)), owner)

const texts = (flows: readonly Flow[], groups: readonly Group[]) => [
  ...flows.map(flow => `${flowKey(flow)} ${flowContent(flow)}`).sort(),
  ...groups.map(group => `${groupKey(group)} ${groupContent(group)}`).sort(),
]

/** Each scene replaces the one before. The switch must then have exactly the compiled flows. */
async function installAll(t: ExecutionContext, sw: Switch, scenes: ReadonlyMap<string, Compiled>) {
  const applier = createApplier({ log: memoryLog(), clock: systemClock })
  for (const [name, compiled] of scenes) {
    const flows = [...compiled.values()].flatMap(object => [...object.flows()])
    const groups = [...compiled.values()].flatMap(object => [...(object.groups?.() ?? [])])
    t.is(new Set(flows.map(flowKey)).size, flows.length, `${name}: two flows have one match`)
    await applier.apply(compiled, sw)
    t.deepEqual(applier.quarantined, [], name)
    const installed = await sw.readInstalled()
    t.deepEqual(texts(installed.flows, installed.groups), texts(flows, groups), name)
  }
}

for (const family of FAMILIES) {
  test.serial(`a real switch takes every flow of an agent for ${family.name}, and gives it back as it is`, async t => {
    t.timeout(60_000)
    await installAll(t, await sessionWith(t, 'agent'), hostScenes(family))
  })

  test.serial(
    `a real switch takes every flow of a director for ${family.name}, and gives it back as it is`,
    async t => {
      t.timeout(60_000)
      const sw = await sessionWith(t, 'director')
      for (const meter of metersFor(3)) await sw.setMeter(meter)
      await installAll(t, sw, directorScenes(family))
    },
  )
}
