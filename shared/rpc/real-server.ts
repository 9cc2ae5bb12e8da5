import { isIPv4 } from 'node:net'
import { CrossportError } from '../errors.ts'
import type { RealServer, RealServer__Output } from './gen/crossport/v1/RealServer.ts'
import { LIMITS } from './limits.ts'
import { clipped, isPlain, shown } from './text.ts'

/** One real server as agent and director speak of it (proto: crossport.v1.RealServer, without its optional fields). */
export interface RealServerReport {
  readonly id: string
  readonly service: string
  readonly vip: string
  readonly protocol: 'tcp' | 'udp'
  readonly vipPort: number
  readonly ingressPort: number
  readonly rsPort: number
  readonly vm: string
  readonly vmUuid: string
  readonly weight: number
  readonly state: 'pending' | 'ready' | 'draining' | 'down'
  readonly reason: string
  readonly scheduler: string
  /** Only where it is down because its health check fails: percent from which that many failing ones are all kept. */
  readonly panic?: number
}

const TO_PROTO = { pending: 'PENDING', ready: 'READY', draining: 'DRAINING', down: 'DOWN' } as const
const FROM_PROTO = { PENDING: 'pending', READY: 'ready', DRAINING: 'draining', DOWN: 'down' } as const

export function toProto(report: RealServerReport): RealServer {
  const { state, reason } = report
  return { ...report, reason: clipped(reason), state: TO_PROTO[state] }
}

/** Throws REGISTRATION_INVALID, naming the field: what comes in here becomes flows. */
export function fromProto(message: RealServer__Output): RealServerReport {
  const { id, protocol } = message
  const check = (ok: boolean, field: keyof RealServer__Output) => {
    if (ok) return
    throw invalid(`real server "${shown(id)}": ${field} "${shown(String(message[field]))}" is not valid`, { field })
  }
  check(id !== '' && id.length <= LIMITS.name && isPlain(id), 'id')
  check(message.service !== '' && message.service.length <= LIMITS.name && isPlain(message.service), 'service')
  check(message.vm.length <= LIMITS.name, 'vm')
  for (const field of ['vmUuid', 'scheduler'] as const)
    check(message[field].length <= LIMITS.name && isPlain(message[field]), field)
  check(message.reason.length <= LIMITS.reason, 'reason')
  check(isIPv4(message.vip), 'vip')
  check(isPort(message.vipPort), 'vipPort')
  check(isPort(message.ingressPort), 'ingressPort')
  check(isPort(message.rsPort), 'rsPort')
  check(message.weight <= 65535, 'weight')
  check(message.panic <= 100, 'panic')
  const state = FROM_PROTO[message.state]
  check(state !== undefined, 'state')
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw invalid(`real server "${shown(id)}": protocol "${shown(protocol)}" is not valid`, { field: 'protocol' })
  }
  return {
    id,
    service: message.service,
    vip: message.vip,
    protocol,
    vipPort: message.vipPort,
    ingressPort: message.ingressPort,
    rsPort: message.rsPort,
    vm: message.vm,
    vmUuid: message.vmUuid,
    weight: message.weight,
    state,
    reason: message.reason,
    scheduler: message.scheduler,
    ...(message.panic === 0 ? {} : { panic: message.panic }),
  }
}

function invalid(message: string, fields: Record<string, string>): CrossportError {
  return new CrossportError('REGISTRATION_INVALID', message, { fields })
}

function isPort(value: number): boolean {
  return value >= 1 && value <= 65535
}
