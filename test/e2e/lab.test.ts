import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import test from 'ava'
import { createLab } from '../lab/lab.ts'
import { destroy, labDir, readRecord } from '../lab/state.ts'

const child = path.join(import.meta.dirname, 'lab-owner.ts')

/** Every living process in one of these PID namespaces (without zombies). */
function processesIn(namespaces: ReadonlySet<string>): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return namespaces.has(readlinkSync(`/proc/${pid}/ns/pid`))
      } catch {
        return false
      }
    })
    .flatMap(pid => {
      try {
        return [readFileSync(`/proc/${pid}/comm`, 'utf8').trim()]
      } catch {
        return []
      }
    })
}

/** The PID namespaces of a lab: its own, and one for each place. */
function namespacesOf(id: string): ReadonlySet<string> {
  const record = readRecord(id)!
  return new Set([record.pid, ...Object.values(record.places)].map(pid => readlinkSync(`/proc/${pid}/ns/pid`)))
}

function machine(): { links: string[]; mounts: string } {
  return { links: readdirSync('/sys/class/net').sort(), mounts: readFileSync('/proc/self/mountinfo', 'utf8') }
}

/** A lab whose owner is another process. */
async function owned(argument: string): Promise<{ owner: ChildProcess; id: string }> {
  const owner = spawn(process.execPath, [child, argument], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: owner.stdout! })) return { owner, id: line }
  throw new Error('the owner has ended without a lab')
}

/** Resolves once the lab's directory is gone (the lab's first process removes it last) and that process has ended, too. */
async function gone(id: string, namespaces: ReadonlySet<string>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (existsSync(labDir(id)) || processesIn(namespaces).length > 0) {
    if (performance.now() > deadline) {
      throw new Error(`${labDir(id)} is ${existsSync(labDir(id)) ? 'there' : 'gone'}; left: ${processesIn(namespaces)}`)
    }
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

test.serial(
  'guests answer over the fabric, keep their disk over a reboot, and are reached by capture and agent',
  async t => {
    const before = machine()
    const lab = await createLab({ hosts: 2, vms: 3 })
    t.teardown(() => lab.down())
    const namespaces = namespacesOf(lab.id)
    await lab.waitForVms()

    const capture = await lab.capture('web-2', 'tcp port 8080')
    for (const vm of lab.vms) {
      const { stdout } = await lab.client.exec(['curl', '-s', '--max-time', '5', `http://${vm.plan.ip}:8080/`])
      t.is(stdout, vm.name)
    }
    const request = await capture.waitFor(packet => (packet.payload ?? 0) > 0 && packet.ports?.dst === 8080)
    t.like(request, {
      ethSrc: '02:00:00:00:00:10',
      ethDst: '52:54:00:00:00:22',
      ip: { src: '10.10.1.10', dst: '10.10.1.22' },
    })
    await capture.stop()

    const table = await lab.fabric.macTable()
    t.deepEqual(
      table
        .filter(entry => entry.mac.startsWith('52:54'))
        .map(entry => `${entry.mac} ${entry.port}`)
        .sort(),
      ['52:54:00:00:00:21 rs1', '52:54:00:00:00:22 rs2', '52:54:00:00:00:23 rs1'],
    )

    const vm = lab.vm('web-2')
    await vm.waitForAgent()
    await vm.exec(
      'printf "DEVICE=eth0:7\\nIPADDR=10.10.1.107\\nPREFIX=32\\nARPCHECK=no\\n" >/etc/sysconfig/network-scripts/ifcfg-eth0:7',
    )
    const announced = await lab.capture('client', 'arp', 'eth0')
    await vm.reboot()
    // ifup-aliases announces the address that it has added.
    await announced.waitFor(packet => packet.arp?.spa === '10.10.1.107' && packet.arp.tpa === '10.10.1.107')
    const { output } = await vm.exec('ip -o address show dev eth0')
    t.regex(output, /10\.10\.1\.107\/32 .*eth0:7/)
    await announced.stop()

    await lab.down()
    t.deepEqual(processesIn(namespaces), [])
    t.deepEqual(machine(), before)
    t.false(existsSync(lab.dir))
  },
)

test.serial('two labs with the same addresses do not meet', async t => {
  const labs = await Promise.all([1, 2].map(() => createLab({ hosts: 1, vms: [{ kind: 'light' }] })))
  t.teardown(() => Promise.all(labs.map(lab => lab.down())))
  const [one, two] = labs
  await one!.host('web-1').writeFile('/run/www/index.html', 'the first lab\n')
  const answers = labs.map(lab => lab.client.exec(['curl', '-s', '--max-time', '5', 'http://10.10.1.21:8080/']))
  t.deepEqual(
    (await Promise.all(answers)).map(({ stdout }) => stdout),
    ['the first lab', 'web-1'],
  )
  await one!.down()
  t.is((await two!.client.exec(['curl', '-s', '--max-time', '5', 'http://10.10.1.21:8080/'])).stdout, 'web-1')
})

for (const signal of ['SIGKILL', 'SIGINT'] as const) {
  test.serial(`${signal} to the owner ends everything`, async t => {
    const before = machine()
    const { owner, id } = await owned('wait')
    const namespaces = namespacesOf(id)
    t.true(processesIn(namespaces).includes('ovs-vswitchd'))
    owner.kill(signal)
    await gone(id, namespaces)
    t.deepEqual(machine(), before)
  })
}

test.serial('a lab whose first process was killed is swept up by the next `down`', async t => {
  const { owner, id } = await owned('wait')
  t.teardown(() => owner.kill())
  const namespaces = namespacesOf(id)
  const exited = new Promise(resolve => owner.once('exit', resolve))
  process.kill(readRecord(id)!.pid, 'SIGKILL')
  owner.kill('SIGKILL')
  await exited
  t.true(existsSync(labDir(id)))
  await destroy(id)
  t.false(existsSync(labDir(id)))
  await gone(id, namespaces)
})

test.serial('a released lab outlives its owner until `down`', async t => {
  const { owner, id } = await owned('release')
  await new Promise(resolve => (owner.exitCode === null ? owner.once('exit', resolve) : resolve(undefined)))
  const namespaces = namespacesOf(id)
  t.true(processesIn(namespaces).includes('ovs-vswitchd'))
  await destroy(id)
  t.false(existsSync(labDir(id)))
  await gone(id, namespaces)
})

test.serial('VLANs: a tagged port is heard by its own VLAN only', async t => {
  const lab = await createLab({ hosts: 1, clientVlan: 7, vms: [{ kind: 'light', vlan: 7 }, { kind: 'light' }] })
  t.teardown(() => lab.down())
  const curl = (ip: string) =>
    lab.client.exec(['curl', '-s', '--max-time', '2', `http://${ip}:8080/`], { check: false })
  t.is((await curl('10.10.1.21')).stdout, 'web-1')
  t.not((await curl('10.10.1.22')).exitCode, 0)
  t.true(
    (await lab.fabric.macTable()).some(
      entry => entry.mac === '52:54:00:00:00:21' && entry.port === 'rs1' && entry.vlan === 7,
    ),
  )
})
