import { tcpTimeouts } from '../../shared/ovsdb/ct-timeout-policies.ts'

/** The state of a connection, and how long the table keeps it without a packet. */
export interface TcpState {
  /** The kernel conntrack's state in Open vSwitch's words: SYN_SENT, ESTABLISHED, FIN_WAIT_1, … */
  readonly name: string
  readonly seconds: number
}

/** States in their order; ct-dpif.h, CT_DPIF_TCP_STATES. */
const RANKS: readonly string[] = [
  'CLOSED',
  'LISTEN',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'CLOSE_WAIT',
  'FIN_WAIT_1',
  'CLOSING',
  'LAST_ACK',
  'FIN_WAIT_2',
  'TIME_WAIT',
]

/** The state when both sides have the same one, as always in the kernel (nf_conntrack_proto_tcp.c). */
const POLICY_OF: Readonly<Record<string, string>> = {
  CLOSED: 'tcp_close',
  SYN_SENT: 'tcp_syn_sent',
  SYN_RECV: 'tcp_syn_recv',
  ESTABLISHED: 'tcp_established',
  CLOSE_WAIT: 'tcp_close_wait',
  FIN_WAIT_1: 'tcp_fin_wait',
  CLOSING: 'tcp_time_wait',
  LAST_ACK: 'tcp_last_ack',
  FIN_WAIT_2: 'tcp_close',
  TIME_WAIT: 'tcp_time_wait',
}

/**
 * The userspace table has a state for each side and uses both (conntrack-tcp.c, tcp_conn_update; conntrack-tp.c,
 * tm_to_ct_dpif_tp). A half-open connection has different states on its sides and is kept for the longer timeout.
 */
export function tcpStateOf([client, server]: readonly [string, string], idle: number): TcpState | undefined {
  const [one, other] = [RANKS.indexOf(client), RANKS.indexOf(server)]
  if (one < 0 || other < 0) return undefined
  const { name, policy } = client === server ? same(client) : different(Math.min(one, other), Math.max(one, other))
  return { name, seconds: tcpTimeouts(idle)[policy] ?? idle }
}

interface Named {
  readonly name: string
  readonly policy: string
}

function same(state: string): Named {
  const policy = POLICY_OF[state] ?? 'tcp_established'
  const name = state === 'FIN_WAIT_2' ? 'TIME_WAIT' : state === 'CLOSING' ? 'LAST_ACK' : state
  return { name, policy }
}

const rank = (state: string) => RANKS.indexOf(state)

function different(least: number, most: number): Named {
  if (least >= rank('FIN_WAIT_2')) return { name: 'TIME_WAIT', policy: 'tcp_close' }
  if (least >= rank('CLOSING')) return { name: 'LAST_ACK', policy: 'tcp_time_wait' }
  if (most < rank('ESTABLISHED')) return { name: 'SYN_SENT', policy: 'tcp_syn_sent' }
  if (least < rank('ESTABLISHED')) return { name: 'SYN_RECV', policy: 'tcp_syn_recv' }
  return { name: most === rank('CLOSING') ? 'FIN_WAIT_1' : 'CLOSE_WAIT', policy: 'tcp_fin_wait' }
}
