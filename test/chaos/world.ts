import { matchesGlob } from 'node:path'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { createSite, type Daemon, type Site } from '../e2e/fixture.ts'
import type { Lab } from '../lab/lab.ts'
import { type Clients, startClients } from './clients.ts'

/** A service as the operator has written it. */
export interface Spec {
  readonly service: string
  readonly vip: string
  readonly port: number
  readonly scheduler: string
  readonly realServers: readonly { readonly vm: string; readonly port: number; readonly weight: number }[]
  readonly check?: Readonly<Record<string, unknown>>
}

/** A host's real servers leave scheduling when it has been away for so long. */
export const LEASE_MS = 5000
/** Interval, a retry, and time-outs of `web`'s check (docs/health-checks.md), and what a busy machine adds. */
export const CHECKED_MS = 1000 + 250 + 2 * 500 + 1500
export const CHECK_TIMEOUT_MS = 500
// Nobody is held back for falling often: what is broken here comes back at once.
const CHECK = { type: 'http', interval: '1s', timeout: `${CHECK_TIMEOUT_MS}ms`, fall: 2, hold: '0s' }

const SPECS: readonly Spec[] = [
  {
    service: 'web',
    vip: '10.10.1.100',
    port: 80,
    scheduler: 'rr',
    realServers: [{ vm: 'web-*', port: 8080, weight: 1 }],
    check: CHECK,
  },
  {
    service: 'api',
    vip: '10.10.1.101',
    port: 80,
    scheduler: 'wlc',
    realServers: [{ vm: 'api-?', port: 8080, weight: 1 }],
  },
  {
    service: 'both',
    vip: '10.10.1.102',
    port: 8000,
    scheduler: 'mh',
    realServers: [
      { vm: 'web-[12]', port: 8081, weight: 2 },
      { vm: 'api-*', port: 8081, weight: 1 },
    ],
  },
]

/** Services that are checked. */
export const CHECKED = SPECS.filter(({ check }) => check !== undefined).map(({ service }) => service)

/** libvirt and QEMU on rs1; spaces, which start at once, on rs2. Each service has real servers on both. */
const VMS = [
  { name: 'web-1', host: 0 },
  { name: 'web-2', host: 1, kind: 'space' },
  { name: 'web-3', host: 1, kind: 'space' },
  { name: 'api-1', host: 0 },
  { name: 'api-2', host: 1, kind: 'space' },
] as const

/** The lab, and what must be true in it when nothing is broken. */
export interface World {
  readonly lab: Lab
  readonly site: Site
  readonly clients: Clients
  /** By file name: what the director's directory says. */
  readonly files: Map<string, Spec>
  /** Whether the director cannot act now. */
  directorOut: boolean
  readonly daemons: ReadonlyMap<string, Daemon>
  /** A shell command on a machine of the lab. */
  sh(place: string, script: string): Promise<string>
  down(): Promise<void>
}

export const fileOf = (spec: Spec): string => `${JSON.stringify(spec)}\n`

export async function createWorld(): Promise<World> {
  const site = await createSite({ hosts: 2, clients: 2, vms: VMS, directorConfig: { leaseMs: LEASE_MS } })
  const { lab } = site
  try {
    const files = new Map(SPECS.map(spec => [`${spec.service}.yaml`, spec]))
    for (const [name, spec] of files) await site.drop(name, fileOf(spec))
    const world: World = {
      lab,
      site,
      clients: startClients(lab, SPECS),
      files,
      directorOut: false,
      daemons: new Map([
        ['director', site.director],
        ['rs1', site.agent('rs1')],
        ['rs2', site.agent('rs2')],
      ]),
      sh: async (place, script) => (await lab.host(place).exec(['sh', '-c', script], { timeoutMs: 60_000 })).stdout,
      down: async () => {
        world.clients.kill()
        // What is frozen would keep the lab from ending.
        for (const { process } of world.daemons.values()) process.kill('SIGCONT')
        await site.down()
      },
    }
    await site.director.until('as the files say', status => differences(world, status).length === 0)
    await world.clients.start()
    return world
  } catch (error) {
    await site.down()
    throw error
  }
}

/** What the director must say of each service: `service vip:port scheduler`, and its real servers. */
function expected({ files, lab }: World): string[] {
  return [...files.values()].flatMap(({ service, vip, port, scheduler, realServers }) => [
    `${service} ${vip}:${port} ${scheduler}`,
    ...lab.vms.flatMap(({ name, plan }) =>
      realServers
        .filter(({ vm }) => matchesGlob(name, vm))
        .map(({ port, weight }) =>
          realServer(service, name, plan.host, port, weight, weight === 0 ? 'draining' : 'ready'),
        ),
    ),
  ])
}

function said({ services }: Status__Output): string[] {
  return services.flatMap(({ service, vip, port, scheduler, realServers }) => [
    `${service} ${vip}:${port} ${scheduler}`,
    ...realServers.map(({ vm, host, rsPort, weight, state }) => realServer(service, vm, host, rsPort, weight, state)),
  ])
}

function realServer(service: string, vm: string, host: string, port: number, weight: number, state: string): string {
  return `${service}: ${vm} on ${host}, port ${port}, weight ${weight}, ${state}`
}

/** Where the director's status is not what files and lab say while nothing is broken. */
export function differences(world: World, status: Status__Output | undefined): string[] {
  if (status === undefined) return ['the director does not answer']
  const [wanted, found] = [new Set(expected(world)), new Set(said(status))]
  return [
    ...[...wanted.difference(found)].map(line => `missing: ${line}`),
    ...[...found.difference(wanted)].map(line => `too much: ${line}`),
  ]
}
