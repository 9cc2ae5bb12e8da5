import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { SERVICES, service, VIP } from '../fixture.ts'
import { load } from './load.ts'
import { faults } from './one-host.ts'
import { HELD_UP, hasProblem, inPlace, SECOND, SECOND_VIP, second } from './site.ts'

// Faults of the director, of the way to it, and of the directory of service files. Hosts go on.
const { agent, host, calmAgain } = faults
const director = () => faults.site.director
const LEASE_MS = 3000
const SLOW_LINK = path.join(import.meta.dirname, '../programs/slow-link.ts')
const changes = () => Number(agent().status.latest?.switch?.flowChanges)

test.serial('the director is away when the agent starts, and comes back: nothing changes on the host', async t => {
  const clients = await load(t, faults.lab)
  await director().kill()
  await agent().until('director away', hasProblem('REPORT_DISCONNECTED'))
  await agent().kill()
  await agent().start()
  await agent().until('on its own', s => s.switch!.installedFlows > 0 && s.services.length === 1)
  await faults.holds(t)
  await director().start()
  await calmAgain()
  t.is(changes(), 0)
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})

test.serial('the director answers late: hosts stay registered, and changes come through', async t => {
  const { ip } = faults.lab.plan.hosts.find(({ role }) => role === 'director')!
  const clients = await load(t, faults.lab)
  const link = await host().spawn([process.execPath, SLOW_LINK, '7474', ip, '7473', '700'], { name: 'slow-link' })
  t.teardown(() => link.kill('SIGKILL'))
  await link.waitForLine(/listening/)
  await agent().kill()
  await agent().start({ director: '127.0.0.1:7474' })
  await calmAgain()
  // This director's documents were not known at first.
  const log = await readFile(path.join(faults.lab.dir, `${host().name}-agent.log`), 'utf8')
  t.false(log.includes('removed from the guest'), 'the VM keeps the VIP meanwhile')
  const begin = performance.now()
  await faults.site.drop(SECOND, second())
  await faults.site.ready('second', 1)
  t.log(`700 ms each way: a service is there after ${(performance.now() - begin).toFixed(0)} ms`)
  await faults.withoutSecond(t)
  t.true(inPlace(agent().status.latest!))
  await agent().kill()
  await agent().start()
  await calmAgain()
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})

test.serial('the director is frozen for longer than its lease: hosts go on, and nobody is taken for dead', async t => {
  await director().kill()
  await director().start({ leaseMs: LEASE_MS })
  await calmAgain()
  const clients = await load(t, faults.lab)
  director().process.kill('SIGSTOP')
  await agent().until('director away', hasProblem('REPORT_DISCONNECTED'))
  await delay(LEASE_MS)
  director().process.kill('SIGCONT')
  await calmAgain()
  await director().kill()
  await director().start()
  await calmAgain()
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})

test.serial('the director comes back with another MAC: it is replaced in all ARP answers in one bundle', async t => {
  await faults.site.drop(SECOND, second())
  await faults.site.ready('second', 1)
  await agent().until('in place', inPlace)
  const clients = await load(t, faults.lab)
  const commits = () => Number(agent().status.latest?.switch?.commits)
  const answers = async (mac: string) =>
    (await faults.held()).filter(flow => flow.includes(`set_field:${mac}->arp_sha`))
  for (const mac of ['02:00:00:00:99:99', undefined]) {
    const before = commits()
    await director().kill()
    await director().start(mac === undefined ? {} : { directorMac: mac })
    await agent().until('another MAC', s => inPlace(s) && Number(s.switch?.commits) > before)
    await faults.site.ready('web', 1)
    t.is((await answers(mac ?? '02:00:00:00:01:00')).length, 2, `${VIP} and ${SECOND_VIP}`)
    t.is(commits() - before, 1)
  }
  const seen = await clients.stop()
  t.is(seen.lost, 0)
  await faults.withoutSecond(t)
})

const FILES = 10_000
const EDITS_A_SECOND = 1000

test.serial(
  'a service directory with 10,000 files, 1,000 edits a second in it: traffic and event loop go on',
  async t => {
    await agent().kill()
    await agent().start({}, HELD_UP)
    await calmAgain()
    const clients = await load(t, faults.lab)
    const dir = host().path(SERVICES)
    /** Services of VMs on other hosts, as in a directory that a whole fleet shares. */
    const write = (n: number, port: number) =>
      writeFile(
        path.join(dir, `many-${n}.yaml`),
        service({
          service: `many-${n}`,
          vip: `10.20.${n >> 8}.${n & 255}`,
          port,
          realServers: [{ vm: 'elsewhere', port }],
        }),
      )
    const took = async (what: string, work: () => Promise<void>) => {
      await faults.heldUp()
      const begin = performance.now()
      await work()
      t.log(
        `${what}: ${(performance.now() - begin).toFixed(0)} ms, event loop held up for ${await faults.heldUp()} ms at most`,
      )
    }
    const services = (count: number) => agent().until(`${count} services`, s => s.services.length === count)

    await took(`${FILES} files come`, async () => {
      for (let n = 0; n < FILES; n++) await write(n, 80)
      await services(FILES + 1)
    })
    await took(`${EDITS_A_SECOND} edits a second for 3 s, and one more service`, async () => {
      const begin = performance.now()
      let edits = 0
      for (; performance.now() - begin < 3000; edits++) {
        while (edits >= performance.now() - begin) await delay(5)
        await write((edits * 7919) % FILES, 81)
      }
      t.log(`${edits} edits`)
      await writeFile(path.join(dir, SECOND), second())
      await faults.site.ready('second', 1)
    })
    await took('all go at once', async () => {
      await rm(dir, { recursive: true })
      await mkdir(dir)
      await services(1)
    })
    await faults.holds(t)
    await calmAgain()
    const seen = await clients.stop()
    t.is(seen.lost, 0)
  },
)
