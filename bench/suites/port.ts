import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { watchPorts } from '../../agent/ports/watch.ts'
import { quiet } from '../../shared/log/quiet.ts'
import { systemClock } from '../../shared/run/clock.ts'
import { type DirectorSwitch, DIRECTOR_MAC as HOST_MAC, startDirectorSwitch } from '../../test/segment/director.ts'
import { type Segment, startSegment } from '../../test/segment/segment.ts'
import { type BenchDaemon, makeDirectory, monotonic, startDaemon } from '../daemon.ts'
import { SETTINGS } from '../director/balancers.ts'
import { hostWith } from '../host.ts'
import { median } from '../measure.ts'
import type { Report, Suite } from '../types.ts'

const ROUNDS = 11
const PATIENCE_MS = 20_000
/** The agent's VIP, and the VIP of the flows added by hand; the VM holds both. */
const VIP = '10.10.1.100'
const HAND_VIP = '10.10.1.101'
const HAND_COOKIE = '0x42'
const OURS = 'cookie=0xc705100000000000/0xfffff00000000000'
/** The VM's interface on the host. */
const PORT = 'vnet0'
const SERVICE = `service: web\nvip: ${VIP}\nport: 80\nprotocol: udp\nrealServers:\n  - vm: vm-0\n    port: 8080\n`

const suite: Suite = {
  name: 'port',
  about:
    "a VM's port appears in OVSDB → a request is answered by that VM, which is up already: the agent, in a process of its own, against the same flows " +
    'put in by ovs-vsctl wait-until and ovs-ofctl --bundle, in turn; a client asks each of two VIPs once a millisecond',
  run: async (report, cleanup) => {
    const segment = await startSegment(cleanup, SETTINGS)
    const sw = await startDirectorSwitch(segment)
    const client = await startClient(segment, sw, cleanup)
    const directory = cleanup.use(await makeDirectory())
    await directory.drop('web.yaml', SERVICE)
    const daemon = startDaemon(segment.dir, directory, 1, cleanup, 'in OVSDB')
    await daemon.inSync
    const host: Host = { segment, sw, client, daemon, database: followPort(segment.dir, cleanup) }

    const flows = await flowsByHand(host)
    const times = { agent: [] as Awaited<ReturnType<typeof byAgent>>[], hand: [] as Round[] }
    for (let round = 0; round < ROUNDS; round++) {
      times.agent.push(await byAgent(host))
      times.hand.push(await byHand(host, flows))
    }
    tell(times, report)
    report({ name: "the agent's bundle alone", value: median(times.agent.map(round => round.commitMs)), unit: 'ms' })
  },
}
export default suite

interface Host {
  readonly segment: Segment
  readonly sw: DirectorSwitch
  readonly client: Client
  readonly daemon: BenchDaemon
  readonly database: PortEvents
}

/** Milliseconds until the first answer: since the database reported the port, and since it reported the port's number. */
interface Round {
  readonly port: number
  readonly number: number
}

function tell({ agent, hand }: { agent: readonly Round[]; hand: readonly Round[] }, report: Report): void {
  for (const [from, what] of [
    ['port', 'port in OVSDB → answered'],
    ['number', 'port number in OVSDB → answered'],
  ] as const) {
    const [ours, theirs] = [agent, hand].map(rounds => rounds.map(round => round[from]))
    report({ name: `${what}: agent`, value: median(ours!), unit: 'ms' })
    report({ name: `${what}: agent, worst of ${ROUNDS}`, value: Math.max(...ours!), unit: 'ms' })
    report({ name: `${what}: by hand`, value: median(theirs!), unit: 'ms' })
    report({ name: `${what}: by hand, worst of ${ROUNDS}`, value: Math.max(...theirs!), unit: 'ms' })
    report({ name: `${what}: agent / by hand`, value: median(ours!) / median(theirs!), unit: '×' })
  }
}

async function byAgent(host: Host): Promise<Round & { readonly commitMs: number }> {
  const { daemon } = host
  const confirmed = daemon.nextConfirmed()
  const round = await plugIn(host, VIP, ['--', 'set', 'Interface', PORT, `external_ids:attached-mac="${vmMac()}"`])
  const { commitMs } = await confirmed
  const gone = daemon.nextConfirmed()
  await unplug(host, VIP)
  await gone
  return { ...round, commitMs }
}

/** Without the port's external_ids, the agent does nothing. */
async function byHand(host: Host, flows: readonly string[]): Promise<Round> {
  const { segment, sw, daemon } = host
  const { length } = daemon.confirmed
  const [ctl, target] = [`--db=unix:${segment.dir}/db.sock --timeout=30`, `unix:${segment.dir}/br0.mgmt`]
  const script = `port=$(setpriv --pdeathsig KILL ovs-vsctl ${ctl} wait-until Interface ${PORT} 'ofport>0' -- get Interface ${PORT} ofport)
ovs-ofctl -O OpenFlow15 --bundle add-flows ${target} - <<end
${flows.join('\n')}
end`
  const shell = sw.space.start(['sh', '-c', script])
  const ended = once(shell, 'exit')
  // Enough time for a wrong reaction.
  await delay(200)
  const round = await plugIn(host, HAND_VIP, [])
  await ended
  await unplug(host, HAND_VIP)
  await sw.ofctl(['del-flows', `cookie=${HAND_COOKIE}/-1`])
  if (daemon.confirmed.length !== length)
    throw new Error('the agent has changed something for a port that is not its own')
  return round
}

/**
 * Begins without the flows that the datapath has cached in the round before: where two of its flows overlap, Open vSwitch 3.1 may
 * change the actions of either (dpif-netdev.c, flow_put_on_pmd), and the other one goes on dropping the client's packets.
 */
async function plugIn({ sw, client, database }: Host, vip: string, settings: readonly string[]): Promise<Round> {
  await sw.appctl('revalidator/purge')
  const [answered, port, number] = await Promise.all([
    client.next('answered', vip),
    database.next('port'),
    database.next('number'),
    sw.vsctl('--no-wait', 'add-port', 'br0', PORT, ...settings),
  ])
  return { port: answered - port, number: answered - number }
}

async function unplug({ sw, client }: Host, vip: string): Promise<void> {
  const silent = client.next('silent', vip)
  await sw.vsctl('del-port', 'br0', PORT)
  await silent
  await delay(100)
}

/** The flows that the agent adds for the VM's port, for the other VIP; the shell inserts the port's number. */
async function flowsByHand(host: Host): Promise<readonly string[]> {
  const { sw, client, daemon } = host
  const flows = async () => {
    const text = await sw.ofctl(['--no-stats', '--no-names', 'dump-flows', OURS])
    return text.split('\n').filter(line => line.includes('actions='))
  }
  const before = new Set(await flows())
  const answered = client.next('answered', VIP)
  await sw.vsctl('add-port', 'br0', PORT, '--', 'set', 'Interface', PORT, `external_ids:attached-mac="${vmMac()}"`)
  await answered
  const ofport = (await sw.vsctl('get', 'Interface', PORT, 'ofport')).trim()
  const added = (await flows()).filter(line => !before.has(line)).map(line => theirs(line, ofport))
  const gone = daemon.nextConfirmed()
  await unplug(host, VIP)
  await gone
  return added
}

function theirs(flow: string, ofport: string): string {
  return flow
    .replace(/cookie=\w+/, `cookie=${HAND_COOKIE}`)
    .replaceAll(VIP, HAND_VIP)
    .replace(new RegExp(`(in_port=|output:)${ofport}\\b`, 'g'), '$1$$port')
}

interface Client {
  /** When the client saw it. */
  next(what: 'answered' | 'silent', vip: string): Promise<number>
}

/**
 * The VM is a namespace that holds the VIPs and does not announce them. The client sends to the host's address and the ingress
 * port, as the director would. Neither needs ARP for the other.
 */
async function startClient(segment: Segment, sw: DirectorSwitch, cleanup: AsyncDisposableStack): Promise<Client> {
  const program = (name: string) => [
    process.execPath,
    new URL(`../programs/${name}.ts`, import.meta.url).pathname,
    VIP,
    HAND_VIP,
  ]
  const client = await segment.plug('eth0', 10)
  const vm = await segment.plug('eth0', 30, { space: sw.space, port: PORT })
  await vm.run(`ip link set eth0 address ${vmMac()} && sysctl -qw net.ipv4.conf.all.arp_ignore=1`)
  await vm.run(`ip neigh replace ${client.address} lladdr ${client.mac} dev eth0 nud permanent`)
  for (const vip of [VIP, HAND_VIP]) {
    await vm.run(`ip address add ${vip}/32 dev lo`)
    await client.run(`ip neigh replace ${vip} lladdr ${HOST_MAC} dev eth0 nud permanent`)
  }
  vm.start(program('answerer'))
  const events = new EventEmitter()
  const lines = createInterface(client.start(program('asker'), { output: 'pipe' }).stdout!)
  cleanup.defer(() => lines.close())
  lines.on('line', line => {
    const [what, vip, at] = line.split(' ')
    events.emit(`${what} ${vip}`, Number(at))
  })
  return { next: (what, vip) => first(events, `${what} ${vip}`) }
}

interface PortEvents {
  next(what: 'port' | 'number'): Promise<number>
}

/** When a monitor gets the VM's port, and the number that the switch has given to it. */
function followPort(dir: string, cleanup: AsyncDisposableStack): PortEvents {
  const events = new EventEmitter()
  const seen = { port: false, number: false }
  const watch = watchPorts({
    socket: `${dir}/db.sock`,
    bridge: 'br0',
    log: quiet,
    clock: systemClock,
    onChange: ({ ports }) => {
      const found = ports.find(port => port.name === PORT)
      const is = { port: found !== undefined, number: found?.ofport !== undefined }
      for (const what of ['port', 'number'] as const) {
        if (is[what] && !seen[what]) events.emit(what, monotonic())
        seen[what] = is[what]
      }
    },
  })
  cleanup.defer(() => watch.close())
  return { next: what => first(events, what) }
}

async function first(events: EventEmitter, name: string): Promise<number> {
  const told = once(events, name, { signal: AbortSignal.timeout(PATIENCE_MS) }) as Promise<[number]>
  const [at] = await told.catch(cause => {
    throw new Error(`waited in vain for '${name}'`, { cause })
  })
  return at
}

const vmMac = () => hostWith(0, 1).inventory.domains[0]!.nics[0]!.mac
