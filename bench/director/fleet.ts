import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createReporter, type HostReporter } from '../../agent/report/reporter.ts'
import type { ReportedRealServer } from '../../agent/report/types.ts'
import { quiet } from '../../shared/log/quiet.ts'
import type { TlsFiles } from '../../shared/rpc/tls.ts'
import { systemClock } from '../../shared/run/clock.ts'

/** Real servers of a service, each on another host. */
export const REAL_SERVERS = 20
export const HOSTS = 50
const FIRST_PORT = 10_000

/** Services of 20 real servers each, on 50 hosts. For the director, the agents of these hosts are real. */
export interface Fleet extends AsyncDisposable {
  readonly services: number
  /** Service files in the director's directory, renamed into place. */
  drop(service: number, clients?: string): Promise<void>
  /** Connects to the director. */
  start(host: number): void
  /** Changes the real server of `service` on `host`. */
  change(host: number, service: number, to: Partial<ReportedRealServer>): void
  stop(host: number): Promise<void>
}

export const vipOf = (service: number) => `10.${64 + (service >> 16)}.${(service >> 8) & 255}.${service & 255}`

/** Takes frames to any hardware address, for one namespace answers for all hosts. */
export const TAKES_ALL = `table netdev fleet {
  chain in {
    type filter hook ingress device eth0 priority 0;
    meta pkttype set host;
  }
}`

/** @param tlsOf - a host's certificate; undefined: in the clear */
export async function createFleet(
  dir: string,
  address: string,
  services: number,
  tlsOf: (hostId: string) => TlsFiles | undefined = () => undefined,
): Promise<Fleet> {
  await mkdir(join(dir, 'services.d'), { recursive: true })
  const lists = Array.from({ length: HOSTS }, () => new Map<number, ReportedRealServer>())
  for (let service = 0; service < services; service++) {
    for (let i = 0; i < REAL_SERVERS; i++) {
      lists[(service * REAL_SERVERS + i) % HOSTS]!.set(service, realServer(service, i))
    }
  }
  const reporters = new Map<number, HostReporter>()
  return {
    services,
    drop: async (service, clients = '0.0.0.0/0') => {
      const text = `service: service-${service}\nvip: ${vipOf(service)}\nport: 80\nscheduler: wlc\nclients: [${clients}]\nrealServers:\n  - vm: vm-${service}-*\n    port: 80\n`
      const file = join(dir, `services.d/service-${service}.yaml`)
      await writeFile(`${file}.tmp`, text)
      await rename(`${file}.tmp`, file)
    },
    start: host => {
      const reporter = createReporter({
        address,
        tls: tlsOf(`host-${host}`),
        identity: { hostId: `host-${host}`, hostMac: macOf(host), hostIp: `172.24.1.${host + 1}`, version: '1' },
        log: quiet,
        clock: systemClock,
        handlers: { onDirector: () => {}, onServices: () => {}, onState: () => {} },
      })
      reporters.set(host, reporter)
      reporter.update([...lists[host]!.values()])
    },
    change: (host, service, to) => {
      const list = lists[host]!
      list.set(service, { ...list.get(service)!, ...to })
      reporters.get(host)?.update([...list.values()])
    },
    stop: async host => {
      await reporters.get(host)?.close()
      reporters.delete(host)
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([...reporters.values()].map(reporter => reporter.close()))
    },
  }
}

const macOf = (host: number) => `02:00:00:02:00:${host.toString(16).padStart(2, '0')}`

/** One namespace answers for all hosts; ports distinguish the real servers. */
function realServer(service: number, i: number): ReportedRealServer {
  return {
    id: `service-${service}/${i}`,
    service: `service-${service}`,
    vip: vipOf(service),
    protocol: 'tcp',
    vipPort: 80,
    ingressPort: FIRST_PORT + i,
    rsPort: 80,
    vm: `vm-${service}-${i}`,
    vmUuid: '',
    weight: 1,
    state: 'ready',
    reason: '',
    scheduler: 'wlc',
  }
}
