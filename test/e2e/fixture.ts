import { readFile } from 'node:fs/promises'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { CONTROL_SOCKETS, type DaemonConfig, type DaemonEnv } from '../lab/daemons.ts'
import { type CreateOptions, createLab, type Lab } from '../lab/lab.ts'
import type { LabProcess } from '../lab/place.ts'
import { readyCount, type StatusWatch, watchStatus } from '../lab/status.ts'

export const VIP = '10.10.1.100'
export const SERVICES = '/etc/crossport/services.d'
const LOAD_RATE = 20

/** A lab with running daemons, as operators set them up. */
export interface Site {
  readonly lab: Lab
  readonly director: Daemon
  agent(host: string): Daemon
  /** Writes a service file on the director. */
  drop(name: string, text: string): Promise<void>
  remove(name: string): Promise<void>
  /** Resolves when the director has this many ready real servers of the service. */
  ready(service: string, count: number): Promise<void>
  /** Sends `count` requests with curl, each on a connection of its own; counts them by answer; a failure counts as 'failed'. */
  request(count: number, url?: string): Promise<Map<string, number>>
  /** Sends requests one after the other, at most `LOAD_RATE` a second, until `stop`. */
  load(): Promise<{ stop(): Promise<Map<string, number>> }>
  down(): Promise<void>
}

/** A daemon that can be killed and started again, with its status. */
export interface Daemon {
  readonly process: LabProcess
  readonly status: StatusWatch
  until(what: string, accept: (status: Status__Output) => boolean): Promise<Status__Output>
  start(config?: DaemonConfig, env?: DaemonEnv): Promise<void>
  kill(signal?: NodeJS.Signals): Promise<void>
}

export function service(changes: Record<string, unknown> = {}): string {
  const fields = {
    service: 'web',
    vip: VIP,
    port: 80,
    scheduler: 'rr',
    realServers: [{ vm: 'web-*', port: 8080 }],
    ...changes,
  }
  // JSON is YAML.
  return `${JSON.stringify(fields)}\n`
}

export interface SiteOptions extends CreateOptions {
  /** Extra keys of director.yaml. The lease is long by default, so that a host that is away stays scheduled. */
  readonly directorConfig?: DaemonConfig
  readonly directorEnv?: DaemonEnv
  readonly agentConfig?: DaemonConfig
  /** The place of the director. Default: director. */
  readonly directorHost?: string
}

export async function createSite(options: SiteOptions = {}): Promise<Site> {
  const lab = await createLab(options)
  try {
    const hosts = lab.plan.hosts.filter(host => host.role === 'rs').map(host => host.name)
    const { directorHost = 'director' } = options
    const directorConfig = { leaseMs: 120_000, ...options.directorConfig }
    const directorIp = lab.plan.hosts.find(host => host.name === directorHost)?.ip
    const agentConfig = { director: `${directorIp}:7473`, ...options.agentConfig }
    // Joining needs no VM: it is done while they boot.
    const [director] = await Promise.all([
      startDaemon(lab, directorHost, 'director', directorConfig, options.directorEnv),
      ...hosts.map(host => lab.join(host, 'agent')),
      lab.waitForVms(),
    ])
    const agents = await Promise.all(hosts.map(host => startDaemon(lab, host, 'agent', agentConfig)))
    const byHost = new Map(hosts.map((host, n) => [host, agents[n]!]))
    await director.until(
      'all hosts registered',
      status => status.hosts.filter(host => host.state === 'connected').length === hosts.length,
    )
    return makeSite(lab, directorHost, director, byHost)
  } catch (error) {
    await lab.down()
    throw error
  }
}

function makeSite(lab: Lab, directorHost: string, director: Daemon, agents: ReadonlyMap<string, Daemon>): Site {
  return {
    lab,
    director,
    agent: host => agents.get(host)!,
    drop: (name, text) => lab.host(directorHost).writeFile(`${SERVICES}/${name}`, text),
    remove: async name => {
      await lab.host(directorHost).exec(['rm', `${SERVICES}/${name}`])
    },
    ready: async (name, count) => {
      await director.until(`${count} real servers of ${name}`, status => readyCount(status, name) === count)
    },
    request: async (count, url = `http://${VIP}/`) => {
      const { stdout } = await lab.client.exec(curl(url, count), { timeoutMs: 120_000, check: false })
      return tally(stdout)
    },
    load: async () => {
      const argv = [...curl(`http://${VIP}/`, 1_000_000), '--rate', `${LOAD_RATE}/s`]
      const client = await lab.client.spawn(argv, { name: `load-${performance.now().toFixed(0)}` })
      return {
        stop: async () => {
          client.kill()
          await client.exited
          return tally(await readFile(client.log, 'utf8'))
        },
      }
    },
    down: async () => {
      director.status.close()
      for (const agent of agents.values()) agent.status.close()
      await lab.down()
    },
  }
}

async function startDaemon(
  lab: Lab,
  host: string,
  role: 'agent' | 'director',
  config: DaemonConfig = {},
  firstEnv: DaemonEnv = {},
): Promise<Daemon> {
  const spawn = (extra: DaemonConfig, env?: DaemonEnv) =>
    role === 'agent' ? lab.startAgent(host, extra, env) : lab.startDirector(host, extra, env)
  let process = await spawn(config, firstEnv)
  let status = watchStatus(lab.host(host).path(CONTROL_SOCKETS[role]))
  return {
    get process() {
      return process
    },
    get status() {
      return status
    },
    until: (what, accept) => status.until(`${host}: ${what}`, accept),
    start: async (extra, env) => {
      // The daemon may have ended without `kill`; an open watch would keep the tests from ending.
      status.close()
      process = await spawn({ ...config, ...extra }, env)
      status = watchStatus(lab.host(host).path(CONTROL_SOCKETS[role]))
    },
    kill: async (signal = 'SIGKILL') => {
      status.close()
      process.kill(signal)
      await process.exited
    },
  }
}

/** The answers of `count` requests, each on a connection of its own; `failed` for one without an answer. */
const CLI = new URL('../../cli/main.ts', import.meta.url).pathname

/** The `crossport` command line for a daemon, on the daemon's own machine. */
export function crossport(role: keyof typeof CONTROL_SOCKETS, ...args: string[]): string[] {
  return [process.execPath, CLI, ...args, '--socket', CONTROL_SOCKETS[role]]
}

export function curl(url: string, count: number): string[] {
  const close = ['-H', 'Connection: close', '-w', '%{onerror}failed\\n']
  return ['curl', '-s', '-m', '5', ...close, `${url}?[1-${count}]`]
}

export function tally(stdout: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const line of stdout.split('\n')) if (line !== '') counts.set(line, (counts.get(line) ?? 0) + 1)
  return counts
}

export function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, n) => sum + n, 0)
}

/** The bridge's flows, one per line, without counters and ages; with `ours` only crossport's. */
export async function flows(lab: Lab, host: string): Promise<string[]> {
  const { stdout } = await lab.host(host).exec(['ovs-ofctl', '-O', 'OpenFlow15', '--no-stats', 'dump-flows', 'br0'])
  return stdout
    .split('\n')
    .map(line => line.trim())
    .filter(line => line.includes('actions='))
    .sort()
}

/** Resolves once the host's bridge holds exactly these flows of ours. It checks again when the agent's status changes. */
export async function untilFlows(site: Site, host: string, expected: readonly string[]): Promise<void> {
  for (;;) {
    const change = site.agent(host).status.next()
    const now = ours(await flows(site.lab, host))
    if (now.join('\n') === expected.join('\n')) return
    await change
  }
}

/** crossport's cookies begin with its magic number (shared/flows/cookie.ts). */
export function ours(lines: readonly string[]): string[] {
  return lines.filter(line => line.includes('cookie=0xc705'))
}

/** A client that opens this many connections, gets an echo on each, and then stays silent. `name` is the name of its log. */
export async function silentClient({ lab }: Site, name: string, port: number, count: number): Promise<LabProcess> {
  const program = new URL('programs/silent-client.ts', import.meta.url).pathname
  const client = await lab.client.spawn([process.execPath, program, VIP, String(port), String(count)], { name })
  await client.waitForLine(/^silent/, 60_000)
  return client
}

/** Starts an echo service in each of these VMs. */
export async function startEcho(vms: Lab['vms'], port: number): Promise<void> {
  for (const vm of vms) {
    await vm.exec(`nc -ll -p ${port} -e /bin/cat </dev/null >/dev/null 2>&1 &`)
    await vm.exec(`until netstat -ltn | grep -q ':${port} '; do usleep 50000; done`)
  }
}
