import { cp, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import Database from 'better-sqlite3'
import type { Status__Output } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { load } from './load.ts'
import { faults } from './one-host.ts'
import { BUNDLE_STAGES, type Middleman, type Stage, standBetween, toldGuest } from './proxy.ts'
import { inPlace, SECOND, SECOND_VIP, second } from './site.ts'

// The agent is killed at every stage of its work. No request may be lost, and the result must be the same as without the
// kill.
/** Number of random kills; by default as many as fit in a third of a minute. */
const KILLS = Number(process.env.CROSSPORT_KILLS ?? 0)
const KILLING_MS = 20_000
const { agent, host, calmAgain, holds } = faults
const MAIN = path.join(import.meta.dirname, '../../../agent/main.ts')
let proxies: Record<'switch' | 'libvirt', Middleman> | undefined

/** From now on the agent talks to switch and libvirt through these proxies. */
async function throughProxies(): Promise<NonNullable<typeof proxies>> {
  if (proxies !== undefined) return proxies
  proxies = {
    switch: standBetween(host().path('/run/proxy/br0.mgmt'), host().path('/run/openvswitch/br0.mgmt'), 'openflow'),
    libvirt: standBetween(host().path('/run/proxy/libvirt'), host().path('/run/libvirt/libvirt-sock'), 'libvirt'),
  }
  await agent().kill()
  await start()
  return proxies
}
test.after.always(() => {
  for (const proxy of Object.values(proxies ?? {})) proxy.close()
})

const start = () => agent().start({ ovsRunDir: '/run/proxy', libvirtSocket: '/run/proxy/libvirt' })

/** After another kill, the agent finds nothing to do. */
async function nothingToDo(t: ExecutionContext): Promise<void> {
  await agent().kill()
  await start()
  await calmAgain()
  t.is(Number(agent().status.latest?.switch?.flowChanges), 0, 'the next start changes something')
  await holds(t)
}

/** The file as a crash leaves it, in a copy, so that only the agent itself repairs it. */
async function intact(t: ExecutionContext): Promise<void> {
  const copy = await mkdtemp('/tmp/crossport-state-')
  try {
    await cp(host().path('/var/lib/crossport'), copy, { recursive: true })
    const database = new Database(path.join(copy, 'agent.db'))
    t.deepEqual(database.pragma('integrity_check'), [{ integrity_check: 'ok' }])
    database.close()
  } finally {
    await rm(copy, { recursive: true })
  }
}

/** Each flow of `web` is there once, and no others but those of `second`. */
async function nothingLostOrDoubled(t: ExecutionContext): Promise<void> {
  const now = await faults.held()
  t.deepEqual(
    now.filter(flow => !flow.includes(SECOND_VIP)),
    faults.calm,
  )
  t.is(new Set(now).size, now.length)
}

interface Moment {
  readonly name: string
  readonly proxy: keyof NonNullable<typeof proxies>
  readonly stage: () => Stage
  /** Whether `second` is being added or removed then. */
  readonly comes: boolean
}

const guestStage = (name: string, words: RegExp, comes: boolean): Moment => {
  return { name: `while a guest ${name}`, proxy: 'libvirt', stage: () => toldGuest(words), comes }
}

const moments: readonly Moment[] = [
  ...Object.entries(BUNDLE_STAGES).map(([name, stage]): Moment => ({ name, proxy: 'switch', stage, comes: true })),
  guestStage('writes its file', /set -C; cat/, true),
  guestStage('adds the address', /"address","add"/, true),
  guestStage('gives the address back', /"address","del"/, false),
]

for (const { name, proxy, stage, comes } of moments) {
  test.serial(`kill -9 of the agent ${name}: no flow lost or doubled, no request lost`, async t => {
    const through = (await throughProxies())[proxy]
    const clients = await load(t, faults.lab)
    if (!comes) {
      await faults.site.drop(SECOND, second())
      await faults.site.ready('second', 1)
    }
    const reached = through.until(stage(), () => agent().process.kill('SIGKILL'))
    if (comes) await faults.site.drop(SECOND, second())
    else await faults.site.remove(SECOND)
    await reached
    await agent().kill()
    await intact(t)
    await nothingLostOrDoubled(t)
    await start()
    if (comes) {
      await faults.site.ready('second', 1)
      await faults.site.remove(SECOND)
    }
    await agent().until('second is gone', status => inPlace(status) && status.services.length === 1)
    await holds(t)
    await nothingToDo(t)
    const seen = await clients.stop()
    t.is(seen.lost, 0)
  })
}

test.serial('kills at random moments while a service comes and goes: no flow, no request lost', async t => {
  await throughProxies()
  const clients = await load(t, faults.lab)
  const argv = [process.execPath, MAIN, '--config', '/etc/crossport/agent.yaml']
  let there = false
  const toggle = async () => {
    there = !there
    if (there) await faults.site.drop(SECOND, second())
    else await faults.site.remove(SECOND)
  }
  const checked = async () => {
    await intact(t)
    await nothingLostOrDoubled(t)
  }
  const begin = performance.now()
  let n = 0
  for (; KILLS > 0 ? n < KILLS : performance.now() - begin < KILLING_MS; n += 2) {
    // The kill comes while the agent works on a change.
    await toggle()
    await delay(Math.random() * 400)
    await agent().kill()
    await checked()
    // The kill comes while the agent starts, with a change to find or without.
    if (n % 4 === 0) await toggle()
    const starting = await host().spawn(argv, { name: 'agent' })
    await delay(Math.random() * 1200)
    starting.kill('SIGKILL')
    await starting.exited
    await checked()
    const services = there ? 2 : 1
    await start()
    const asDropped = (status: Status__Output) => status.services.length === services
    const settled = () => agent().until('in place', status => inPlace(status) && asDropped(status))
    await settled()
    // A director that sends its files late would make the agent change something after the check.
    await faults.site.director.until('its files', asDropped)
    await settled()
    if (!there && n % 3 === 0) {
      await holds(t)
      await nothingToDo(t)
    }
  }
  if (there) await toggle()
  await holds(t)
  await nothingToDo(t)
  const seen = await clients.stop(`${n} kills`)
  t.is(seen.lost, 0)
})
