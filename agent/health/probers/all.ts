import type { CheckType } from '../../../shared/config/check.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import type { AgentCall } from '../../guest/qga.ts'
import type { Prober } from '../types.ts'
import { createExecProber } from './exec.ts'
import { tcpProber } from './tcp.ts'
import { createUdpProber } from './udp.ts'

export interface ProbersOptions {
  readonly agentCall: AgentCall
  readonly clock: Clock
  /** Source address and port of datagrams. */
  readonly udp: { readonly address: string; readonly port: number }
}

/** One prober for all types of check. */
export function createProbers({ agentCall, clock, udp }: ProbersOptions): { readonly probe: Prober; close(): void } {
  const datagrams = createUdpProber(udp)
  // Loading HTTP takes tens of milliseconds, and most hosts do not need it.
  const http: Prober = async (target, signal) => (await import('./http.ts')).httpProber(target, signal)
  const byType: Readonly<Record<CheckType, Prober>> = {
    tcp: tcpProber,
    http,
    https: http,
    udp: datagrams.probe,
    exec: createExecProber(agentCall, clock),
  }
  return { probe: (target, signal) => byType[target.check.type](target, signal), close: datagrams.close }
}
