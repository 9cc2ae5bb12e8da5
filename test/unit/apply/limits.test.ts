import test from 'ava'
import { createLimits } from '../../../director/apply/limits.ts'
import type { CompiledService } from '../../../director/compile/types.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { startOpenVswitch } from '../../segment/open-vswitch.ts'
import { cleanupOf } from '../cleanup.ts'
import { memoryLog } from '../run/memory-log.ts'

const service = (number: number, persistent = false) =>
  ({
    number,
    zone: 0x4000 + number,
    ...(persistent ? { persistence: { zone: 0x5000 + number } } : {}),
  }) as CompiledService

test('each zone has a limit, which goes with its service and comes back after a restart of vswitchd', async t => {
  t.timeout(30_000)
  const ovs = await startOpenVswitch(cleanupOf(t))
  const log = memoryLog()
  const limits = createLimits({ rundir: ovs.rundir, log, clock: systemClock }, undefined)
  const there = async () => {
    const text = await ovs.appctl('dpctl/ct-get-limits', 'netdev@ovs-netdev')
    return text.split('\n').filter(line => line.startsWith('zone='))
  }
  const [web, shop] = [service(1), service(2, true)]
  limits.update({ altered: [web, shop], gone: [] })
  await limits.ensure('system')
  t.is(limits.most, undefined)
  await limits.ensure('netdev')
  const all = [
    'zone=16385,limit=1500000,count=0',
    'zone=16386,limit=1500000,count=0',
    'zone=20482,limit=1500000,count=0',
  ]
  t.is(limits.most, 1_500_000)
  t.deepEqual((await there()).sort(), all)
  t.deepEqual([...(await limits.count([16385, 7]))], [[16385, 0]])

  limits.update({ altered: [], gone: [shop] })
  await limits.ensure('netdev')
  t.deepEqual(await there(), all.slice(0, 1))

  await ovs.stopVswitchd()
  limits.distrust()
  limits.update({ altered: [shop], gone: [] })
  await limits.ensure('netdev')
  t.regex(String(log.lines[0]?.message), /one service may fill the whole connection table/)
  await ovs.startVswitchd()
  await limits.ensure('netdev')
  t.deepEqual(await there(), [], 'a vswitchd that does not know the command will not learn it')
  limits.distrust()
  await limits.ensure('netdev')
  t.deepEqual((await there()).sort(), all)
})

test('as the operator has configured it', async t => {
  t.timeout(30_000)
  const ovs = await startOpenVswitch(cleanupOf(t))
  const limits = createLimits({ rundir: ovs.rundir, log: memoryLog(), clock: systemClock }, 5)
  limits.update({ altered: [service(1)], gone: [] })
  await limits.ensure('netdev')
  t.regex(await ovs.appctl('dpctl/ct-get-limits'), /zone=16385,limit=5,count=0/)
})
