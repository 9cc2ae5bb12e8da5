import { mkdir } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'
import { createReporter, type HostReporter } from '../../../agent/report/reporter.ts'
import type { ReportedRealServer } from '../../../agent/report/types.ts'
import { controlClient } from '../../../shared/rpc/client.ts'
import type { ControlClient } from '../../../shared/rpc/gen/crossport/v1/Control.ts'
import type { Status__Output } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { adminSocketOf } from '../../../shared/rpc/socket.ts'
import { createStatusReader, readStatus } from '../../../shared/rpc/status.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { directorConfig, startDirector as runUntilStopped } from '../../segment/director.ts'
import { tempDir } from '../cleanup.ts'
import { reported } from '../registry/fixture.ts'
import { memoryLog } from '../run/memory-log.ts'
import type { Network } from './network.ts'

export interface Running {
  readonly client: ControlClient
  readonly socket: string
  status(): Promise<Status__Output>
  /** The first fitting status, present or future. */
  until(fits: (status: Status__Output) => boolean): Promise<Status__Output>
  /** `crossport teardown`, to its end. */
  teardown(): Promise<void>
  stop(): Promise<void>
}

/** Directory of a director's service files, state and sockets. */
export async function directory(t: ExecutionContext): Promise<string> {
  const dir = tempDir(t)
  await mkdir(`${dir}/services.d`)
  return dir
}

export async function startDirector(
  t: ExecutionContext,
  { rundir }: Network,
  dir: string,
  leaseMs = 15_000,
  /** Further keys of director.yaml. */
  more: Record<string, unknown> = {},
): Promise<Running> {
  const ovs = { ovsdbSocket: `${rundir}/db.sock`, ovsRunDir: rundir }
  const config = await directorConfig(dir, { ...ovs, leaseMs, ...more })
  const log = memoryLog()
  const stopDirector = await runUntilStopped(config, log)
  const client = controlClient(adminSocketOf(config.controlSocket))
  const stop = async () => {
    client.close()
    await stopDirector()
  }
  t.teardown(async () => {
    await stop()
    if (!t.passed) t.log(log.lines.map(line => `${line.level} ${line.message} ${line.err ?? ''}`).join('\n'))
  })
  return {
    client,
    socket: config.controlSocket,
    stop,
    teardown: () =>
      new Promise((resolve, reject) => client.Teardown({}).on('error', reject).on('end', resolve).resume()),
    status: () => readStatus(client),
    until: fits =>
      new Promise((resolve, reject) => {
        const call = client.Watch({})
        const add = createStatusReader()
        call.on('error', error => reject(error))
        call.on('data', piece => {
          const status = add(piece)
          if (status === undefined || !fits(status)) return
          resolve(status)
          call.cancel()
        })
      }),
  }
}

export const realServer = (name: string, change: Partial<ReportedRealServer> = {}): ReportedRealServer =>
  reported(`web/${name}`, { vm: name, ...change })

export function startAgent(
  t: ExecutionContext,
  network: Network,
  dir: string,
  n: number,
  list: ReportedRealServer[],
): HostReporter {
  const reporter = createReporter({
    address: `unix:${dir}/agents.sock`,
    identity: { hostId: `rs${n}`, hostMac: network.hosts[n]!.mac, hostIp: `172.24.1.2${n}`, version: '1' },
    log: memoryLog(),
    clock: systemClock,
    handlers: { onDirector: () => {}, onServices: () => {}, onState: () => {} },
  })
  t.teardown(() => reporter.close())
  reporter.update(list)
  return reporter
}

/** Hardware addresses of the real servers that get new connections from the switch. */
export async function scheduled(network: Network): Promise<string[]> {
  const flows = await network.ofctl(['dump-flows', 'table=104'])
  const macs = new Map(
    [...flows.matchAll(/reg0=(0x[0-9a-f]+) .*set_field:(02:00:00:00:00:2\d)->eth_dst/g)].map(m => [m[1], m[2]]),
  )
  const chosen = (await network.ofctl(['dump-groups'])) + (await network.ofctl(['dump-flows', 'table=107']))
  const marks = new Set([...chosen.matchAll(/set_field:(0x[0-9a-f]+)->reg0/g)].map(m => m[1]))
  return [...marks].map(mark => macs.get(mark) ?? 'nowhere').sort()
}

/** Everything in the switch, without counters and ages. */
export async function installed(network: Network): Promise<string> {
  return (await network.ofctl(['dump-flows', '--no-stats'])) + (await network.ofctl(['dump-groups']))
}

export const inSwitch = (count: number) => (status: Status__Output) =>
  status.timeline.some(({ station, detail }) => station === 'flows' && detail.startsWith(`${count} real`)) &&
  status.timeline.findLast(({ station }) => station === 'flows')!.detail.startsWith(`${count} real`)
