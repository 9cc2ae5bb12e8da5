import { parseArgs } from 'node:util'
import { createLab, type Lab } from '../../test/lab/lab.ts'
import { readyCount, type StatusWatch, watchStatus } from '../../test/lab/status.ts'
import { showPackets, VIP } from './packets.ts'
import { SMALL_MTU, showPathMtu } from './path-mtu.ts'
import { createPrinter, type Printer } from './print.ts'
import { request, showBytes, showShares } from './traffic.ts'

const SERVICE_FILE = '/etc/crossport/services.d/web.yaml'
const AGENT_SOCKET = '/run/crossport/agent.sock'
const DIRECTOR_SOCKET = '/run/crossport/director.sock'

const serviceFile = (vms: string) => `service: web
vip: ${VIP}
port: 80
scheduler: rr
realServers:
  - vm: ${vms}
    port: 8080
`

// With --kernel, scripts/run has started this in the test machine, whose kernel has Open vSwitch's datapath.
const no = { type: 'boolean', default: false } as const
const { values } = parseArgs({ options: { keep: no, overlay: no, kernel: no } })
const print = createPrinter(text => process.stdout.write(text))
if (values.keep && values.kernel) {
  print.line('crossport: the test machine ends with the demo; --keep does not go with --kernel')
  process.exit(1)
}

let lab: Lab | undefined
const interrupted = () => {
  print.line('interrupted; taking the lab down')
  void (lab?.down() ?? Promise.resolve()).finally(() => process.exit(130))
}
process.once('SIGINT', interrupted)
process.once('SIGTERM', interrupted)

try {
  lab = await buildLab(print)
  await run(lab, print)
  if (values.keep) await keep(lab, print)
  else await lab.down()
} catch (error) {
  print.check('the demo ran to its end', false, error instanceof Error ? error.message : String(error))
  if (values.keep && lab !== undefined) await keep(lab, print)
  else await lab?.down()
}
if (print.failures.length > 0) {
  print.title(`Not as it must be: ${print.failures.join('; ')}`)
  process.exit(1)
}
print.title(`All as it must be, in ${print.elapsed()}.`)
process.exit(0)

async function buildLab(print: Printer): Promise<Lab> {
  const shape = values.overlay ? 'VXLAN tunnels between the hosts, a second client behind a router' : 'one segment'
  const where = values.kernel ? "a machine whose kernel forwards (Open vSwitch's kernel datapath)" : 'this machine'
  print.title(`A lab on ${where}: a client, a director, two hosts, three VMs; ${shape}`)
  // The first two VMs share a host and an RS port, so the host has to give one of them an ingress port of its own.
  const vms = [
    { name: 'web-1', host: 0 },
    { name: 'web-2', host: 0 },
    { name: 'web-3', host: 1 },
  ]
  const lab = await createLab({
    hosts: 2,
    vms,
    progress: print.step,
    ...(values.overlay ? { overlay: {}, clients: [{}, { gateway: { mtu: SMALL_MTU } }] } : {}),
  })
  await lab.waitForVms()
  print.step('all VMs have booted and serve on port 8080 of their own addresses')
  return lab
}

async function run(lab: Lab, print: Printer): Promise<void> {
  print.title('The daemons, as an operator starts them')
  const hosts = lab.plan.hosts.filter(host => host.role === 'rs').map(host => host.name)
  await Promise.all([lab.startDirector(), ...hosts.map(host => lab.startAgent(host))])
  print.step(`crossport-director on director, crossport-agent on ${hosts.join(' and ')}`)
  const director = watchStatus(lab.director.path(DIRECTOR_SOCKET))
  const agents = hosts.map(host => watchStatus(lab.host(host).path(AGENT_SOCKET)))
  try {
    await director.until(
      'both hosts registered',
      status => status.hosts.filter(h => h.state === 'connected').length === hosts.length,
    )
    print.step('both hosts have registered by themselves')
    await dropFile(lab, print, director, agents, hosts)

    print.title(`300 requests from the client to http://${VIP}/ (the VMs listen on 8080)`)
    const shares = await request(lab, 300)
    showShares(print, lab, shares)
    const answered = lab.vms.reduce((sum, vm) => sum + (shares.get(vm.name) ?? 0), 0)
    print.check('300 of 300 answered, by all three VMs', answered === 300 && lab.vms.every(vm => shares.has(vm.name)))

    print.title('One connection, captured with tcpdump at client, director, host and VM port')
    await showPackets(lab, print)

    print.title('Bytes')
    await showBytes(lab, print)

    if (lab.plan.overlay !== undefined) {
      print.title(`A download through a hop of ${SMALL_MTU} bytes; the VMs send ${lab.plan.overlay.mtu}`)
      await showPathMtu(lab, print)
    }

    print.title('The file is edited: web-3 is no longer named')
    await lab.director.writeFile(SERVICE_FILE, serviceFile('web-[12]'))
    const saved = performance.now()
    await director.until('two real servers', status => readyCount(status, 'web') === 2)
    print.step(`live ${Math.round(performance.now() - saved)} ms after it was saved; nothing was restarted`)
    const after = await request(lab, 60)
    showShares(print, lab, after)
    const others = (after.get('web-1') ?? 0) + (after.get('web-2') ?? 0)
    print.check('60 of 60 answered, none of them by web-3', others === 60 && !after.has('web-3'))
  } finally {
    director.close()
    for (const agent of agents) agent.close()
  }
}

async function dropFile(
  lab: Lab,
  print: Printer,
  director: StatusWatch,
  agents: readonly StatusWatch[],
  hosts: readonly string[],
): Promise<void> {
  print.title(`One file is dropped on the director: ${SERVICE_FILE}`)
  for (const line of serviceFile('web-*').trimEnd().split('\n')) print.line(`  ${line}`)
  print.line()
  await lab.director.writeFile(SERVICE_FILE, serviceFile('web-*'))
  const dropped = Date.now()
  const status = await director.until('three real servers ready', s => readyCount(s, 'web') === 3)
  const first = await lab.client.exec(['curl', '-s', '-m', '10', '--retry', '0', `http://${VIP}/`])
  const answeredAt = Date.now()
  const since = (at: string) => Date.parse(at) - dropped
  const entries = [
    ...status.timeline.map(entry => ({ ...entry, where: 'director' })),
    ...agents.flatMap((agent, n) => (agent.latest?.timeline ?? []).map(entry => ({ ...entry, where: hosts[n] ?? '' }))),
    {
      at: new Date(answeredAt).toISOString(),
      where: 'client',
      station: 'first answer',
      subject: `http://${VIP}/`,
      detail: first.stdout.trim(),
    },
  ]
    .filter(entry => since(entry.at) >= -5)
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
  print.table([
    ['after', 'where', 'station', 'what', ''],
    ...entries.map(e => [`${Math.max(0, since(e.at))} ms`, e.where, e.station, e.subject, e.detail]),
  ])
  print.check(
    'the first request was answered by a VM',
    lab.vms.some(vm => vm.name === first.stdout.trim()),
  )
}

async function keep(lab: Lab, print: Printer): Promise<void> {
  await lab.release()
  print.title('The lab is still there. Try:')
  for (const command of [
    `npm run lab -- exec client curl -s http://${VIP}/`,
    'npm run lab -- exec rs1 crossport status',
    'npm run lab -- exec rs1 ovs-ofctl -O OpenFlow15 dump-flows br0',
    `npm run lab -- exec director vi ${SERVICE_FILE}`,
    'npm run lab -- down',
  ])
    print.line(command)
}
