import { spawn } from 'node:child_process'
import { Command, InvalidArgumentError } from 'commander'
import { createLab, type Lab, openLab } from './lab.ts'
import { enter } from './place.ts'
import { destroy, isAlive, type LabRecord, listLabIds, readRecord } from './state.ts'

const say = (text: string) => process.stdout.write(`${text}\n`)

function count(text: string): number {
  const n = Number(text)
  if (!Number.isInteger(n) || n < 0 || n > 50) throw new InvalidArgumentError('expected a number from 0 to 50')
  return n
}

function running(): LabRecord[] {
  return listLabIds()
    .map(readRecord)
    .filter(record => record !== undefined && isAlive(record)) as LabRecord[]
}

/** The lab of the command: without an id, the only one that another process is not about to end. */
function pick(id: string | undefined): LabRecord {
  const records = running().filter(record => (id === undefined ? record.released : record.id === id))
  if (records.length === 1) return records[0]!
  const known = running().map(record => record.id)
  throw new Error(
    known.length === 0
      ? 'no lab is up; start one with: npm run lab -- up'
      : `which lab? --id ${known.join(' or --id ')}`,
  )
}

async function up(options: {
  hosts: number
  vms: number
  foreground?: boolean
  vlans?: boolean
  overlay?: boolean
}): Promise<void> {
  const { hosts, vms, vlans = false } = options
  const overlay = options.overlay === true ? { overlay: {} } : {}
  const lab = await createLab({ hosts, vms, vlans, ...overlay, progress: say })
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return
    stopping = true
    lab.down().then(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  await lab.waitForVms()
  describe(lab)
  if (options.foreground) {
    say('Ctrl-C ends the lab')
    setInterval(() => {}, 3_600_000)
  } else {
    await lab.release()
    process.exit(0)
  }
}

function describe(lab: Lab): void {
  say(`lab ${lab.id} is up; logs: ${lab.dir}`)
  for (const client of lab.plan.clients) say(`  ${client.name.padEnd(10)} ${client.ip.padEnd(14)} ${client.mac}`)
  for (const host of lab.plan.hosts) say(`  ${host.name.padEnd(10)} ${host.ip.padEnd(14)} ${host.mac}`)
  for (const vm of lab.plan.vms) say(`  ${vm.name.padEnd(10)} ${vm.ip.padEnd(14)} ${vm.mac}  on ${vm.host}`)
  const [vm] = lab.plan.vms
  if (vm !== undefined) say(`try: npm run lab -- exec client curl http://${vm.ip}:8080/`)
}

async function status(): Promise<void> {
  const records = running()
  if (records.length === 0) say('no lab is up')
  for (const record of records) {
    const lab = openLab(record)
    describe(lab)
    for (const host of lab.plan.hosts.filter(host => host.role === 'rs')) {
      const { stdout } = await lab.host(host.name).exec(['virsh', '-q', '-c', 'qemu:///system', 'list', '--all'])
      say(`  ${host.name}: ${stdout.trim().replaceAll(/\s*\n\s*/g, '; ')}`)
    }
  }
}

/** Ends the lab with this id, or every lab that was left running, and cleans up after crashed ones. */
async function down(id: string | undefined): Promise<void> {
  const ids = listLabIds().filter(known => {
    const record = readRecord(known)
    if (id !== undefined) return known === id
    return record !== undefined && (record.released || !isAlive(record))
  })
  for (const known of ids) {
    await destroy(known)
    say(`lab ${known} is down`)
  }
  if (ids.length === 0) say('no lab to end')
}

/** Runs a command in a place or a VM, on this terminal. */
async function exec(id: string | undefined, where: string, argv: readonly string[]): Promise<void> {
  const lab = openLab(pick(id))
  if (lab.vms.some(vm => vm.name === where)) {
    const { exitCode, output } = await lab.vm(where).exec(argv.join(' '))
    if (output !== '') say(output)
    process.exit(exitCode)
  }
  const [file, ...args] = enter(lab.host(where).pid, argv)
  const child = spawn(file!, args, { stdio: 'inherit' })
  child.once('exit', (code, signal) => process.exit(code ?? (signal === null ? 255 : 128)))
}

const program = new Command('lab')
  .description('hosts, VMs and clients in namespaces of this machine')
  .enablePositionalOptions()
program
  .command('up')
  .description('build a lab, and leave it running')
  .option('--hosts <n>', 'RS hosts', count, 2)
  .option('--vms <n>', 'VMs, spread over the hosts', count, 3)
  .option('--vlans', 'a fabric that knows VLANs')
  .option('--overlay', 'VXLAN tunnels between the hosts')
  .option('--foreground', 'stay; Ctrl-C ends the lab')
  .action(up)
program
  .command('exec')
  .description('run a command in a host, client or VM')
  .option('--id <id>', 'which lab')
  .argument('<where>')
  .argument('<command...>')
  .passThroughOptions()
  .action((where: string, argv: string[], options: { id?: string }) => exec(options.id, where, argv))
program.command('status').description('what is up').action(status)
program
  .command('down')
  .description('end the labs that `up` has left running, or one')
  .option('--id <id>', 'which lab')
  .action((options: { id?: string }) => down(options.id))
try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`lab: ${(error as Error).message}\n`)
  process.exitCode = 1
}
