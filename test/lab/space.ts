import { mkdir, writeFile } from 'node:fs/promises'
import { ifcfg } from './domain.ts'
import { ipLink } from './fabric.ts'
import { connectGuestAgent } from './guest-agent.ts'
import { type LibvirtStandIn, type StandInDomain, serveLibvirt } from './libvirt-stand-in.ts'
import { makeLightVm, plugLightVm, portOf, startLightVm } from './light.ts'
import { guestImage } from './paths.ts'
import type { Place } from './place.ts'
import { hasStandIn, type LabPlan, type VmPlan } from './plan.ts'
import type { LabVm } from './vm.ts'

/**
 * A namespace as a VM, for a machine where a QEMU guest is too slow: a light VM that the stand-in for libvirt knows, with the
 * guest's own /etc and the real guest agent.
 */
export interface SpaceVm extends LabVm {
  readonly domain: StandInDomain
  /** Moves it to another host, as live migration does; its processes go on. */
  move(to: string): Promise<void>
}

export interface StandIns {
  readonly vms: ReadonlyMap<string, SpaceVm>
  end(): Promise<void>
}

const SCRIPTS = '/etc/sysconfig/network-scripts'
const AGENT = '/run/qga.sock'

/** Boots it. */
export async function startSpaceVm(host: Place, place: Place, plan: VmPlan): Promise<void> {
  await startLightVm(host, place, plan)
  await mkdir(place.path(SCRIPTS), { recursive: true })
  await writeFile(place.path(`${SCRIPTS}/ifcfg-eth0`), ifcfg(plan))
  if (!plan.agentChannel) return
  const blocked = plan.blockedRpcs.length === 0 ? [] : [`--block-rpcs=${plan.blockedRpcs.join(',')}`]
  const agent = [`${guestImage}/qemu-ga`, '-m', 'unix-listen', '-p', AGENT, '-t', '/run', ...blocked]
  // A child of nobody here: nsenter(1) stops with its child, and the end of the lab would wait for it.
  await place.spawn(['sh', '-c', '"$@" &', 'sh', ...agent], { name: 'qemu-ga' })
}

/**
 * The spaces of a lab by name, and a stand-in for libvirt on each of their hosts. They live as long as this process, or until
 * `end`.
 */
export async function startStandIns(plan: LabPlan, at: (name: string) => Place): Promise<StandIns> {
  const stack = new AsyncDisposableStack()
  const vms = new Map<string, SpaceVm>()
  const libvirts = new Map<string, LibvirtStandIn>()
  for (const vm of plan.vms.filter(({ kind }) => kind === 'space')) {
    const told = ({ domain, host }: SpaceVm) => libvirts.get(host.name)?.changed(domain)
    vms.set(vm.name, makeSpaceVm(at, vm, told))
  }
  const hosts = plan.hosts.filter(host => hasStandIn(plan, host))
  for (const { name } of hosts) {
    const domains = () => [...vms.values()].filter(vm => vm.host.name === name).map(vm => vm.domain)
    await mkdir(at(name).path('/run/libvirt'), { recursive: true })
    libvirts.set(name, await serveLibvirt(stack, at(name).path('/run/libvirt/libvirt-sock'), domains))
  }
  return { vms, end: () => stack.disposeAsync() }
}

/** `told` is called at each start and end. */
function makeSpaceVm(at: (name: string) => Place, plan: VmPlan, told: (vm: SpaceVm) => void): SpaceVm {
  let host = at(plan.host)
  const place = at(plan.name)
  const light = makeLightVm(host, place, plan)
  const agent = connectGuestAgent(place.path(AGENT))
  let runs = 1
  let id = plan.off ? -1 : runs
  const domain: StandInDomain = {
    uuid: plan.uuid,
    name: plan.name,
    get id() {
      return id
    },
    xml: () => xmlOf(plan, id),
    agent: plan.agentChannel ? agent.command : undefined,
  }
  const command = async (json: object) => {
    return (JSON.parse(await agent.command(JSON.stringify(json))) as { return: unknown }).return
  }
  const vm: SpaceVm = {
    ...light,
    domain,
    get host() {
      return host
    },
    // The guests' shell, which has busybox's commands built in.
    exec: async (text, timeoutMs = 60_000) => {
      const shell = [`${guestImage}/busybox`, 'sh', '-c', text]
      const { exitCode, stdout, stderr } = await place.exec(shell, { check: false, timeoutMs })
      return { exitCode, output: [stdout, stderr].filter(part => part !== '').join('\n') }
    },
    waitForAgent: async () => {
      for (;;) {
        const answer = await command({ execute: 'guest-ping' }).catch(() => undefined)
        if (answer !== undefined) return
        await new Promise(resolve => setTimeout(resolve, 100))
      }
    },
    agent: command,
    start: async () => {
      await plugLightVm(host, plan)
      id = ++runs
      told(vm)
    },
    // What an ended VM leaves: no port, and no answers.
    destroy: async () => {
      id = -1
      await host.exec(['ovs-vsctl', 'del-port', portOf(plan)])
      told(vm)
    },
    move: async to => {
      await vm.destroy()
      const from = host
      host = at(to)
      await ipLink(from.pid, ['set', portOf(plan), 'netns', String(host.pid)])
      await ipLink(host.pid, ['set', portOf(plan), 'up'])
      await vm.start()
    },
    close: agent.close,
  }
  return vm
}

function xmlOf(plan: VmPlan, id: number): string {
  const running = id >= 0
  const channel = `<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'${running ? " state='connected'" : ''}/></channel>`
  return `<domain type='qemu'${running ? ` id='${id}'` : ''}>
  <name>${plan.name}</name>
  <uuid>${plan.uuid}</uuid>
  <devices>
    <interface type='bridge'>
      <mac address='${plan.mac}'/>
      <source bridge='br0'/>
      <virtualport type='openvswitch'><parameters interfaceid='${plan.uuid}'/></virtualport>
      ${running ? `<target dev='${portOf(plan)}'/>` : ''}
    </interface>
    ${plan.agentChannel ? channel : ''}
  </devices>
</domain>`
}
