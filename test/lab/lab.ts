import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { type Capture, startCapture } from './capture.ts'
import { startClient } from './client.ts'
import { type Fabric, makeFabric, plug, stackUplink, startFabric } from './fabric.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { makeLightVm, startLightVm } from './light.ts'
import { joinOverlay, startDirectorVm, underlayMac, warmNeighbours } from './overlay.ts'
import { capabilitiesCache, insideScript } from './paths.ts'
import { makePlace, type Place } from './place.ts'
import { type HostPlan, hasStandIn, type LabOptions, type LabPlan, planLab, type VmPlan } from './plan.ts'
import { type StandIns, startSpaceVm, startStandIns } from './space.ts'
import { destroy, type LabRecord, labDir, makeLabDir, newLabId, startTimeOf, writeRecord } from './state.ts'
import { defineDomain, type LabVm, makeDomainVm } from './vm.ts'

/** A lab: hosts, clients and VMs around a fabric, on this machine, in namespaces. */
export interface Lab extends Fleet {
  readonly id: string
  /** Directory of the logs while the lab exists. */
  readonly dir: string
  readonly plan: LabPlan
  readonly fabric: Fabric
  /** The first client. */
  readonly client: Place
  /** The first director's host. */
  readonly director: Place
  /** Any place by name: client, director, rs1, fabric. */
  host(name: string): Place
  vm(name: string): LabVm
  readonly vms: readonly LabVm[]
  /** Runs tcpdump on a device; without `dev`: the uplink of a host, eth0 of a client. A VM's name means its port on br0. */
  capture(where: string, filter?: string, dev?: string): Promise<Capture>
  /** Resolves once every started VM has booted. */
  waitForVms(): Promise<void>
  /** Ends everything. */
  down(): Promise<void>
  /** Lets the lab outlive this process; `npm run lab -- down` ends it. */
  release(): Promise<void>
}

export interface CreateOptions extends LabOptions {
  /** Called with each step, for output. */
  readonly progress?: (step: string) => void
}

/** Builds a lab. It lives as long as this process: whatever ends the process, kill -9 included, ends the lab. */
export async function createLab(options: CreateOptions = {}): Promise<Lab> {
  const progress = options.progress ?? (() => {})
  const plan = planLab(options)
  const id = newLabId()
  const dir = await makeLabDir(id)
  const holder = spawnHolder(dir)
  try {
    const pid = await firstLine(holder)
    const places = new Map<string, Place>()
    const record = (): LabRecord => {
      const pids = Object.fromEntries([...places].map(([name, place]) => [name, place.pid]))
      return { id, pid, startTime: startTimeOf(pid) ?? '', released: false, plan, places: pids }
    }
    writeRecord(record())
    progress(`lab ${id}: ${plan.hosts.length} hosts, ${plan.clients.length} clients, ${plan.vms.length} VMs`)
    const spaces = plan.vms.filter(vm => vm.kind !== 'domain')
    const gateways = plan.clients.flatMap(({ gateway }) => gateway ?? [])
    const parts = [...plan.hosts, ...plan.clients, ...gateways, ...spaces]
    const names = ['fabric', ...parts.map(part => part.name)]
    await Promise.all(names.map(async name => places.set(name, await startPlace(pid, name, dir))))
    writeRecord(record())
    const at = (name: string) => places.get(name)!
    await startFabric(at('fabric'), plan.vlans, insideScript('switch'))
    await Promise.all([
      ...plan.clients.map(client => startClient(at, client, plan)),
      ...plan.hosts
        .filter(host => host.vmOn === undefined)
        .map(async host => {
          await startHost(at('fabric'), at(host.name), host, plan)
          await joinOverlay(at, host, plan)
          progress(`${host.name}: switch${host.role === 'rs' ? ' and libvirt' : ''} up`)
          for (const vm of plan.vms.filter(vm => vm.host === host.name)) {
            if (vm.kind === 'light') await startLightVm(at(host.name), at(vm.name), vm)
            else if (vm.kind === 'space') await startSpaceVm(at(host.name), at(vm.name), vm)
            else await startDomain(at(host.name), vm, dir)
            progress(`${vm.name}: started on ${host.name}`)
          }
        }),
    ])
    for (const host of plan.hosts)
      if (host.vmOn !== undefined) await startDirectorVm(at, host, plan, insideScript('switch'))
    await warmNeighbours(at, plan)
    await keepCapabilities(plan, at)
    return assemble(record(), holder, await startStandIns(plan, at))
  } catch (error) {
    await end(id, holder)
    throw error
  }
}

/** A lab that another process has started and released. */
export function openLab(record: LabRecord): Lab {
  return assemble(record, undefined, undefined)
}

function assemble(record: LabRecord, holder: ChildProcess | undefined, standIns: StandIns | undefined): Lab {
  const { id, plan } = record
  const dir = labDir(id)
  const places = new Map(Object.entries(record.places).map(([name, pid]) => [name, makePlace(name, pid, dir)]))
  const at = (name: string): Place => {
    const place = places.get(name)
    if (place === undefined) throw new Error(`lab ${id} has no ${name}; it has ${[...places.keys()].join(', ')}`)
    return place
  }
  const vms = plan.vms.map(vm => {
    const space = standIns?.vms.get(vm.name)
    if (space !== undefined) return space
    return vm.kind === 'light' ? makeLightVm(at(vm.host), at(vm.name), vm) : makeDomainVm(at(vm.host), vm)
  })
  const vm = (name: string): LabVm => {
    const found = vms.find(vm => vm.name === name)
    if (found === undefined) throw new Error(`lab ${id} has no VM ${name}`)
    return found
  }
  const closeVms = () => {
    for (const vm of vms) vm.close()
  }
  return {
    id,
    dir,
    plan,
    fabric: makeFabric(at('fabric'), plan.vlans),
    client: at('client'),
    get director() {
      return at('director')
    },
    host: at,
    vm,
    vms,
    capture: async (where, filter, dev) => {
      const ofVm = vms.find(vm => vm.name === where)
      if (ofVm !== undefined) return startCapture(ofVm.host, await ofVm.port(), filter)
      const usual = plan.clients.some(client => client.name === where) ? 'eth0' : 'uplink0'
      return startCapture(at(where), dev ?? usual, filter)
    },
    ...createFleet(at, plan),
    waitForVms: async () => {
      await Promise.all(vms.filter(vm => !vm.plan.off).map(vm => vm.waitForBoot()))
    },
    down: async () => {
      closeVms()
      await standIns?.end()
      await end(id, holder)
    },
    release: async () => {
      closeVms()
      writeRecord({ ...record, released: true })
      if (holder === undefined) return
      await new Promise<void>(resolve => holder.stdin!.end('keep\n', () => resolve()))
      holder.stdout!.destroy()
      holder.unref()
    },
  }
}

/** Process 1 of the lab. Its standard input is a pipe from here, which the kernel closes when this process ends. */
function spawnHolder(dir: string): ChildProcess {
  const unshare = ['--fork', '--kill-child', '--pid', '--mount', '--uts', 'sh', insideScript('lab'), dir]
  return spawn('unshare', unshare, { stdio: ['pipe', 'pipe', 'ignore'], detached: true })
}

async function end(id: string, holder: ChildProcess | undefined): Promise<void> {
  if (holder !== undefined && holder.exitCode === null && holder.signalCode === null && !holder.stdin!.writableEnded) {
    const exited = once(holder, 'exit')
    holder.stdin!.end()
    await exited
  }
  await destroy(id)
}

async function startPlace(labPid: number, name: string, dir: string): Promise<Place> {
  const namespaces = ['--fork', '--kill-child', '--pid', '--net', '--mount', '--uts']
  const unshare = ['unshare', ...namespaces, 'sh', insideScript('host'), name]
  // unshare makes a new network namespace here, because the lab's is the machine's.
  const child = spawn('nsenter', ['-t', String(labPid), '-m', '-p', '--', ...unshare], {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  const pid = await firstLine(child)
  child.stdout!.destroy()
  child.stderr!.destroy()
  child.unref()
  return makePlace(name, pid, dir)
}

/** The process id that lab.sh and host.sh print. */
async function firstLine(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = ''
    let errors = ''
    child.stderr?.on('data', chunk => (errors += chunk))
    child.stdout!.on('data', chunk => {
      text += chunk
      if (text.includes('\n')) resolve(Number(text))
    })
    child.once('error', reject)
    child.once('close', () => reject(new Error(`the namespaces of the lab cannot be made: ${errors}`)))
  })
}

async function startHost(fabric: Place, place: Place, host: HostPlan, plan: LabPlan): Promise<void> {
  const under = plan.uplinks[host.name]
  await plug(fabric, plan.vlans, place, { dev: under === undefined ? 'uplink0' : 'nic0' })
  if (under !== undefined) await stackUplink(fabric, place, under)
  const real = host.role === 'rs' && !hasStandIn(plan, host)
  const libvirt = real ? place.exec(['sh', insideScript('libvirt'), capabilitiesCache]) : undefined
  const underlay = plan.overlay === undefined ? [] : [underlayMac(host)]
  await place.exec(['sh', insideScript('switch'), 'uplink0', host.mac, `${host.ip}/24`, ...underlay])
  if (plan.failMode !== undefined) await place.exec(['ovs-vsctl', 'set-fail-mode', 'br0', plan.failMode])
  await libvirt
}

async function startDomain(host: Place, vm: VmPlan, dir: string): Promise<void> {
  await defineDomain(host, vm, dir)
  if (!vm.off) await host.exec(['virsh', '-q', '-c', 'qemu:///system', 'start', vm.name], { timeoutMs: 60_000 })
}

/** libvirt's probing of QEMU takes seconds of a host's start, so its result is kept for the next lab. */
async function keepCapabilities(plan: LabPlan, at: (name: string) => Place): Promise<void> {
  const host = plan.vms.find(vm => vm.kind === 'domain')?.host
  if (host === undefined) return
  const from = at(host).path('/var/cache/libvirt/qemu/capabilities')
  const known = new Set(await readdir(capabilitiesCache).catch(() => []))
  if ((await readdir(from)).every(file => known.has(file))) return
  await mkdir(path.dirname(capabilitiesCache), { recursive: true })
  const fresh = await mkdtemp(`${capabilitiesCache}-`)
  await cp(from, fresh, { recursive: true, preserveTimestamps: true })
  await rm(capabilitiesCache, { recursive: true, force: true })
  await rename(fresh, capabilitiesCache).catch(() => rm(fresh, { recursive: true, force: true }))
}
