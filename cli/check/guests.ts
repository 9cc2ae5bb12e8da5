import type { ServiceSpec } from '../../shared/config/service.ts'
import { vmMatcher } from '../../shared/config/vm-pattern.ts'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import type { ServiceChange } from './changes.ts'

/** What the VMs that a daemon knows have to do with a change. */
export interface GuestEffects {
  /** `agent rs1` */
  readonly daemon: string
  /** An agent knows all VMs of its host; a director those that are real servers already. */
  readonly complete: boolean
  readonly matches: readonly {
    readonly service: string
    readonly vm: string
    readonly port: number
    readonly found: readonly string[]
  }[]
  /** Real servers in force that are in no entry of their service any more. */
  readonly leaving: readonly { readonly service: string; readonly vm: string; readonly port: number }[]
  readonly vips: readonly {
    readonly vip: string
    readonly action: 'set' | 'take out'
    readonly vm: string
    readonly running: boolean
  }[]
}

interface Vm {
  readonly name: string
  readonly uuid: string
  readonly running: boolean
}

/** Pure. */
export function guestEffects(status: Status__Output, changes: readonly ServiceChange[]): GuestEffects {
  const complete = status.role === 'agent'
  const vms = complete ? agentVms(status) : servingVms(status)
  const touched = changes.flatMap(({ after }) => after ?? [])
  const matches = touched.flatMap(spec =>
    spec.realServers.map(({ vm, port }) => ({
      service: spec.service,
      vm,
      port,
      found: vms.filter(vmMatcher(vm)).map(found => (found.running ? found.name : `${found.name} (not running)`)),
    })),
  )
  const names = new Set(changes.map(({ service }) => service))
  const now = new Set<string>()
  const then = new Set<string>()
  for (const { service, vip, realServers } of status.services)
    for (const { vm } of realServers) {
      now.add(`${vm} ${vip}`)
      if (!names.has(service)) then.add(`${vm} ${vip}`)
    }
  for (const spec of touched) for (const { name } of holders(spec, vms)) then.add(`${name} ${spec.vip}`)
  const running = new Set(vms.filter(vm => vm.running).map(({ name }) => name))
  const entry = (action: 'set' | 'take out') => (key: string) => {
    const [, vm = '', vip = ''] = /^(.*) (\S+)$/.exec(key) ?? []
    return { vip, action, vm, running: running.has(vm) }
  }
  return {
    daemon: `${status.role} ${status.id}`,
    complete,
    matches,
    leaving: touched.flatMap(spec => leavingOf(spec, status)),
    vips: [...[...then.difference(now)].map(entry('set')), ...[...now.difference(then)].map(entry('take out'))],
  }
}

const holders = ({ realServers }: ServiceSpec, vms: readonly Vm[]) => {
  const matchers = realServers.map(({ vm }) => vmMatcher(vm))
  return vms.filter(vm => matchers.some(matches => matches(vm)))
}

function leavingOf({ service, realServers }: ServiceSpec, { services }: Status__Output) {
  const entries = realServers.map(({ vm, port }) => ({ matches: vmMatcher(vm), port }))
  return services
    .filter(one => one.service === service)
    .flatMap(one => one.realServers)
    .filter(
      rs => !entries.some(({ matches, port }) => port === rs.rsPort && matches({ name: rs.vm, uuid: uuidOf(rs) })),
    )
    .map(({ vm, rsPort: port }) => ({ service, vm, port }))
}

const agentVms = ({ vms }: Status__Output): readonly Vm[] =>
  vms.map(({ name, uuid, state }) => ({ name, uuid, running: state === 'running' }))

/** A real server's id is service/UUID/port, on a director behind its host's name. */
const uuidOf = ({ id }: { readonly id: string }) => id.split('/').at(-2) ?? ''

function servingVms({ services }: Status__Output): readonly Vm[] {
  const found = services.flatMap(({ realServers }) =>
    realServers.map(rs => [`${rs.host} ${rs.vm}`, { name: rs.vm, uuid: uuidOf(rs), running: true }] as const),
  )
  return [...new Map(found).values()]
}
