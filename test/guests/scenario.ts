import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { openStore } from '../../agent/store/store.ts'
import { tempDir } from '../unit/cleanup.ts'
import { MAC, PATIENCE_MS, startAgent } from './agent.ts'
import { type Machine, startMachine } from './machine.ts'
import type { Real } from './real.ts'

const VIPS = ['10.99.0.11', 'fd99::11'] as const
const all = (text: string) => text.includes(` ${VIPS[0]}/32 `) && text.includes(` ${VIPS[1]}/128 `)
const none = (text: string) => VIPS.every(vip => !text.includes(vip))
const own = (text: string) => / inet 172\.30\.0\.\d+\/24 /.test(text)

/** A VIP is set live, kept through all that the guest's users do while no agent runs, and removed byte for byte. */
export const keepAndRemove = {
  title: (_provided: string | undefined, { name }: Real) =>
    `${name}: a VIP is set live, kept, and removed byte for byte`,
  exec: async (t: ExecutionContext, { owner, keeps, events, ...options }: Real): Promise<void> => {
    const machine = await startMachine({ mac: MAC, ...options })
    t.teardown(machine.stop)
    const { wire } = machine
    await until(machine, 'own address', own)
    // Nothing of the boot is still to be written.
    await machine.exec('systemctl', 'is-system-running', '--wait')
    const before = configuration(machine.root)
    const store = openStore(path.join(tempDir(t), 'agent.db'))
    t.teardown(() => store.close())
    const times: string[] = []
    const agent = (run: number) => {
      const started = startAgent(machine, store.guestRecords, run)
      t.teardown(started.stop)
      return started
    }
    const isSource = async () => (await machine.exec('ip', 'route', 'get', '169.254.96.5')).includes(`src ${VIPS[0]}`)

    const quiet = wire.changes().length
    const first = agent(1)
    const start = performance.now()
    await first.hold(VIPS, !keeps)
    times.push(`set ${Math.round(performance.now() - start)} ms`)
    await first.stop()
    t.true(all(await wire.addresses()))
    t.is(first.owner(), owner)
    t.false(await isSource(), 'the VIP is no source')
    t.notRegex(wire.changes().slice(quiet), /Deleted/, 'nothing has gone for it')

    // What users do while no agent runs.
    for (const [event, command] of events) {
      await machine.exec('sh', '-c', command)
      times.push(`${event} ${await until(machine, event, text => all(text) && own(text))} ms`)
    }
    await wire.run('ip', 'link', 'set', 'wire', 'down')
    await delay(1000)
    await wire.run('ip', 'link', 'set', 'wire', 'up')
    if (keeps) times.push(`link ${await until(machine, 'link', all)} ms`)
    await machine.reboot()
    if (keeps) times.push(`reboot ${await until(machine, 'reboot', text => all(text) && own(text))} ms`)

    const second = agent(2)
    await second.hold(VIPS, !keeps)
    t.false(await isSource(), 'the VIP is no source after the boot')
    await second.stop()
    t.is(store.guestRecords.list().length, 2)

    // The service has gone while no agent ran.
    const quietAgain = wire.changes().length
    const third = agent(2)
    await third.hold([], false)
    await third.stop()
    t.true(none(await wire.addresses()))
    t.deepEqual(difference(before, configuration(machine.root)), [])
    const deleted = wire.changes().slice(quietAgain).split('\n')
    t.deepEqual(
      deleted.filter(line => line.includes('Deleted') && none(line)),
      [],
      'nothing else has gone',
    )
    for (const [, command] of events) await machine.exec('sh', '-c', command)
    await until(machine, 'own address again', own)
    t.true(none(await wire.addresses()))
    const heard = wire.heard().split('\n')
    t.true(
      heard.some(line => line.includes('172.30.0.') || line.includes('fe80::')),
      'something is heard',
    )
    t.deepEqual(
      heard.filter(line => !none(line)),
      [],
      'nothing of the VIPs on the wire',
    )
    t.log(times.join(', '))
  },
}

/** A manager takes addresses away a moment after the command that makes it has ended. */
const STILL_MS = 1500

/** Waits until the NIC's addresses are so, and stay so; returns when they last became so, in ms. */
async function until({ wire }: Machine, what: string, holds: (addresses: string) => boolean): Promise<number> {
  const start = performance.now()
  let since: number | undefined
  for (;;) {
    const text = await wire.addresses()
    const now = performance.now()
    if (!holds(text)) since = undefined
    else if (now - (since ??= now) > STILL_MS) return Math.round(since - start)
    if (now - start > PATIENCE_MS) throw new Error(`${what}: ${text}`)
    await delay(20)
  }
}

/** Every file, link and folder where managers keep theirs, with mode, owner and content. */
function configuration(root: string): Map<string, string> {
  const found = new Map<string, string>()
  const walk = (folder: string) => {
    for (const name of readdirSync(path.join(root, folder))) {
      const at = path.join(folder, name)
      // The managers' own, who write it when they like.
      if (at === '/etc/resolv.conf') continue
      const inHost = path.join(root, at)
      const stats = lstatSync(inHost)
      const content = stats.isSymbolicLink() ? readlinkSync(inHost) : stats.isFile() ? digest(inHost) : ''
      found.set(at, `${stats.mode.toString(8)} ${stats.uid}:${stats.gid} ${content}`)
      if (stats.isDirectory()) walk(at)
    }
  }
  walk('/etc')
  walk('/usr/lib')
  return found
}

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function difference(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter(at => before.get(at) !== after.get(at))
    .map(at => `${at}: ${before.get(at)} -> ${after.get(at)}`)
}
