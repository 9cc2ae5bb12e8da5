import type { HostReport } from '../../../director/intake/types.ts'
import type { GoodFile, ServicesSnapshot } from '../../../shared/config/snapshot.ts'
import type { RealServerReport } from '../../../shared/rpc/real-server.ts'
import { goodFile } from '../config/good-file.ts'
import { reported } from '../registry/fixture.ts'
import type { Random } from './random.ts'

/** The true state: service files, and hosts with their real servers. The director learns it sooner or later. */
export interface FleetWorld {
  readonly files: Map<string, GoodFile>
  readonly hosts: Map<string, WorldHost>
  snapshot(): ServicesSnapshot
  report(hostId: string): HostReport
}

export interface WorldHost {
  readonly realServers: Map<string, RealServerReport>
  /** Its agent is connected to the director. */
  connected: boolean
  /** What this connection has last sent to the director. */
  told: ReadonlyMap<string, RealServerReport> | undefined
}

export const SERVICES = ['a', 'b', 'c', 'd'] as const
/** The last one is in no file of the director: only hosts know it. */
const IN_FILES = SERVICES.slice(0, 3)
export const VIPS = ['10.10.1.100', '10.10.1.101'] as const
export const HOSTS = ['h1', 'h2', 'h3'] as const
export const portOf = (service: string) => 80 + SERVICES.indexOf(service as (typeof SERVICES)[number])

/** A text is parsed once, so that what has not changed is the same object, as from the watcher. */
const parsed = new Map<string, GoodFile>()

export function createFleetWorld(): FleetWorld {
  const files = new Map<string, GoodFile>()
  const hosts = new Map<string, WorldHost>(
    HOSTS.map(id => [id, { realServers: new Map(), connected: false, told: undefined }]),
  )
  return {
    files,
    hosts,
    snapshot: () => {
      const all = [...files.values()].sort((a, b) => (a.file < b.file ? -1 : 1))
      return {
        synced: true,
        specs: all.flatMap(file => file.parsed.specs),
        problems: [],
        documents: all.flatMap(file => file.parsed.documents),
        files: all,
      }
    },
    report: hostId => ({
      hostId,
      hostMac: `02:00:00:00:00:2${hostId.at(-1)}`,
      hostIp: `172.24.1.2${hostId.at(-1)}`,
      version: '1',
      realServers: new Map(hosts.get(hostId)!.realServers),
    }),
  }
}

/** Makes one random change of the world; returns the source that would report it. */
export function happen(world: FleetWorld, random: Random): 'files' | WorldHost {
  if (random.chance(0.3)) {
    const service = random.pick(IN_FILES)
    if (random.chance(0.35)) world.files.delete(service)
    else world.files.set(service, anyFile(service, random))
    return 'files'
  }
  const host = world.hosts.get(random.pick(HOSTS))!
  const id = `vm-${random.below(3)}`
  if (random.chance(0.3)) host.realServers.delete(id)
  else host.realServers.set(id, anyRealServer(id, random))
  return host
}

function anyRealServer(id: string, random: Random): RealServerReport {
  const service = random.pick(SERVICES)
  return reported(id, {
    service,
    vip: random.pick(VIPS),
    // Now and then a host's own file differs.
    vipPort: portOf(random.chance(0.95) ? service : random.pick(SERVICES)),
    protocol: random.chance(0.9) ? 'tcp' : 'udp',
    ingressPort: random.pick([8080, 8081, 8082]),
    vmUuid: `uuid-${id}`,
    weight: random.below(3),
    state: random.pick(['ready', 'ready', 'ready', 'down', 'draining']),
    scheduler: random.pick(['rr', 'mh']),
  })
}

function anyFile(service: string, random: Random): GoodFile {
  const vm = random.pick(['vm-*', 'vm-0', 'vm-[12]'])
  const lines = [
    `service: ${service}`,
    `vip: ${random.pick(VIPS)}`,
    `port: ${portOf(service)}`,
    `protocol: ${random.chance(0.9) ? 'tcp' : 'udp'}`,
    `scheduler: ${random.pick(['rr', 'wlc', 'sh', 'mh'])}`,
    `realServers: [{ vm: '${vm}', port: 8080, weight: ${1 + random.below(2)} }]`,
    ...(random.chance(0.3) ? ['persistence: { timeout: 30 }'] : []),
    ...(random.chance(0.3) ? ['drainTimeout: 3'] : []),
    ...(random.chance(0.2) ? ['onEmpty: drop'] : []),
  ]
  const text = `${lines.join('\n')}\n`
  let file = parsed.get(text)
  if (file === undefined) parsed.set(text, (file = goodFile(`${service}.yaml`, text)))
  if (file.parsed.problems.length > 0) throw new Error(JSON.stringify(file.parsed.problems))
  return file
}
