import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { VIP } from '../fixture.ts'
import { load } from './load.ts'
import { faults } from './one-host.ts'
import { HELD_UP, hasProblem, inPlace, SECOND, SECOND_VIP, second } from './site.ts'

// Faults of the state file and of the clock: there is a clear error, flows stay as they are, and there is a way back.
const { agent, host, sh, holds, calmAgain } = faults
const MAIN = path.join(import.meta.dirname, '../../../agent/main.ts')
const STATE = '/var/lib/crossport/agent.db'

const run = (...args: string[]) =>
  host().exec([process.execPath, MAIN, '--config', '/etc/crossport/agent.yaml', ...args], { check: false })

/** The agent refuses to start with these words, and changes nothing. */
async function refused(t: ExecutionContext, words: RegExp): Promise<void> {
  const { exitCode, stdout, stderr } = await run()
  t.is(exitCode, 1)
  t.regex(stdout + stderr, words)
  t.deepEqual(await faults.held(), faults.calm)
}

/** Rebuilds the state with --rebuild-state; real servers may get other numbers. */
async function rebuilt(t: ExecutionContext): Promise<void> {
  const { exitCode, stderr } = await run('--rebuild-state')
  t.is(exitCode, 0, stderr)
  await agent().start()
  await calmAgain({ anew: true })
}

const failsWith = (words: RegExp) => agent().until(`it says ${words}`, s => words.test(s.switch?.lastError ?? ''))

/** What the bridge holds while the second service waits for its number: what it held, and that no VM may have the service's VIP. */
const waiting = (there: readonly string[]): readonly string[] => {
  const guardsOf = (vip: string, flows: readonly string[]) =>
    flows.filter(flow => new RegExp(`priority=40300,(ip,nw_src|arp,arp_spa)=${vip} `).test(flow))
  const cookieOf = (flow: string | undefined) => /cookie=\w+/.exec(flow ?? '')?.[0] ?? ''
  // The VIP has a number of its own.
  const cookie = cookieOf(guardsOf(SECOND_VIP, there)[0])
  const ofSecond = guardsOf(VIP, faults.calm).map(flow => flow.replace(cookieOf(flow), cookie).replace(VIP, SECOND_VIP))
  return [...faults.calm, ...ofSecond].sort()
}

test.serial('a damaged state file: the agent says what to do, flows stay, --rebuild-state is the way back', async t => {
  const clients = await load(t, faults.lab)
  await agent().kill('SIGTERM')
  await sh(`printf 'this is not a database, this is not a database' | dd of=${STATE} conv=notrunc; rm -f ${STATE}-*`)
  await refused(t, /STATE_CORRUPT.*--rebuild-state/s)
  const { length } = faults.calm
  await rebuilt(t)
  t.is(faults.calm.length, length)
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})

test.serial('a state file of a newer version: the agent does not start, and flows stay', async t => {
  const clients = await load(t, faults.lab)
  await agent().kill('SIGTERM')
  await sh(`cp ${STATE} /run/this-version`)
  // sqlite.org/fileformat.html, 1.3.19: the user version is at byte 60.
  await sh(`printf '\\000\\000\\000\\143' | dd of=${STATE} bs=1 seek=60 conv=notrunc`)
  await refused(t, /STATE_NEWER.*schema 99|schema 99.*STATE_NEWER/s)
  await sh(`cp /run/this-version ${STATE}`)
  await agent().start()
  await calmAgain()
  t.is(Number(agent().status.latest?.switch?.flowChanges), 0)
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})

test.serial('a state file that is read-only at the start: the agent does not start, and flows stay', async t => {
  const clients = await load(t, faults.lab)
  await agent().kill('SIGTERM')
  t.teardown(() => sh('mount -o remount,rw /var/lib/crossport'))
  await sh('mount -o remount,ro /var/lib/crossport')
  await refused(t, /agent\.db.*STORE_FAILED.*writable/s)
  await sh('mount -o remount,rw /var/lib/crossport')
  await agent().start()
  await calmAgain()
  t.is(Number(agent().status.latest?.switch?.flowChanges), 0)
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})

test.serial(
  'the file system becomes read-only at work: a clear error, flows untouched, all is well after it',
  async t => {
    const clients = await load(t, faults.lab)
    const dir = '/var/lib/crossport/disk'
    const mount = `mount -o loop ${dir}.img ${dir}`
    await sh(`truncate -s 16m ${dir}.img; mke2fs -q -t ext4 ${dir}.img; mkdir ${dir}; ${mount}`)
    await agent().kill('SIGTERM')
    await sh(`cp ${STATE} ${dir}`)
    await agent().start({ stateFile: `${dir}/agent.db` })
    await calmAgain()
    // ext4 does this after a disk error (ext4(5), errors=remount-ro): open files cannot be written any more.
    await sh(`sync -f ${dir}; mount -o remount,abort ${dir}`)
    await faults.site.drop(SECOND, second())
    await failsWith(/cannot use state file .*disk\/agent\.db/)
    t.log(agent().status.latest?.switch?.lastError ?? '')
    await holds(t, waiting)
    await agent().kill('SIGTERM')
    await sh(`umount ${dir}; ${mount}`)
    await agent().start({ stateFile: `${dir}/agent.db` })
    await faults.site.ready('second', 1)
    await faults.withoutSecond(t)
    await agent().kill('SIGTERM')
    await sh(`cp ${dir}/agent.db ${STATE}; umount ${dir}`)
    await agent().start()
    await calmAgain()
    const seen = await clients.stop()
    t.is(seen.lost, 0)
  },
)

/** Its file system is made as small as what is in it. */
const FULL = 'mount -o remount,size=$(df -k --output=used /var/lib/crossport | tail -1 | tr -d " ")k /var/lib/crossport'
const ROOM = 'mount -o remount,size=100m /var/lib/crossport'

test.serial('the disk is full: a clear error, flows untouched, and it heals by itself', async t => {
  const clients = await load(t, faults.lab)
  t.teardown(() => sh(ROOM))
  await sh(FULL)
  await faults.site.drop(SECOND, second())
  await failsWith(/agent\.db: no space left on the device/)
  await holds(t, waiting)
  await sh(ROOM)
  await faults.site.ready('second', 1)
  await faults.withoutSecond(t)
  await calmAgain()
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})

test.serial(
  'the disks are full: a VM that is killed leaves scheduling at once, one that comes back is found',
  async t => {
    const { site, lab } = faults
    const everywhere = async (script: string) => {
      for (const place of [host(), lab.director]) await place.exec(['sh', '-c', script])
    }
    t.teardown(() => everywhere(ROOM))
    await everywhere(FULL)
    await site.drop(SECOND, second())
    await agent().until('it says that its state file cannot be written', hasProblem('STORE_FAILED'))
    await site.director.until('it says that its state file cannot be written', hasProblem('STORE_FAILED'))
    t.deepEqual([...(await site.request(10))], [['web-1', 10]])
    await lab.vm('web-1').destroy()
    await site.ready('web', 0)
    await lab.vm('web-1').start()
    await site.ready('web', 1)
    t.deepEqual([...(await site.request(10))], [['web-1', 10]])
    t.true(hasProblem('STORE_FAILED')(agent().status.latest!))
    t.true(hasProblem('STORE_FAILED')(site.director.status.latest!))
    await everywhere(ROOM)
    await site.ready('second', 1)
    await site.remove(SECOND)
    await agent().until('second is gone', status => inPlace(status) && status.services.length === 1)
    // Its guest may not have given the VIP back yet.
    while ((await faults.held()).some(flow => flow.includes(SECOND_VIP))) await delay(50)
    // The VM has another port now.
    await calmAgain({ anew: true })
  },
)

const HOUR = 3_600_000
const JUMPS = [HOUR, -24 * HOUR, 365 * 24 * HOUR, -366 * 24 * HOUR]

test.serial('the wall clock jumps under agent and director: nobody is taken for dead, changes go on', async t => {
  const clients = await load(t, faults.lab)
  const { director } = faults.site
  const daemons = [
    { daemon: agent(), place: host(), config: {} },
    { daemon: director, place: faults.lab.director, config: { leaseMs: 15_000 } },
  ]
  for (const { daemon, config } of daemons) {
    await daemon.kill('SIGTERM')
    await daemon.start(config, HELD_UP)
  }
  await calmAgain()
  const log = await faults.journal()
  for (const jump of JUMPS) {
    for (const { daemon, place } of daemons) {
      await place.writeFile('/run/clock-jump', String(jump))
      daemon.process.kill('SIGUSR2')
    }
    await faults.site.drop(SECOND, second())
    await faults.site.ready('second', 1)
    await faults.withoutSecond(t)
  }
  // Messages that the log has held back (`1 more times: …`) concern the time before.
  const since = (await faults.journal()).slice(log.length).replaceAll(/^.* more times: .*$/gm, '')
  t.notRegex(since, /director is away|registered with the director/)
  const seen = await clients.stop()
  t.is(seen.lost, 0)
})
