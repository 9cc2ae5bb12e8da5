import { canonical } from '../../shared/net/family.ts'

/** One entry of the connection table, as `dpctl/dump-conntrack -m -s` writes it (ct-dpif.c, ct_dpif_format_entry). */
export interface Entry {
  readonly client: string
  readonly clientPort: number
  readonly vip: string
  readonly vipPort: number
  readonly mark: number
  /** TCP states of the client's side and the real server's side; the kernel has one state for both. */
  readonly states: readonly [string, string] | undefined
  /** Seconds until the entry is removed. */
  readonly timeout: number | undefined
  /** Present only where the datapath counts. */
  readonly packets: number | undefined
  readonly bytes: number | undefined
  /** Milliseconds since 1970. */
  readonly start: number | undefined
}

/** The original direction of a TCP or UDP connection (ICMP has no ports). IPv6 addresses are written as inet_ntop(3) does. */
const ORIGINAL = /orig=\(src=([\da-f.:]+),dst=([\da-f.:]+),sport=(\d+),dport=(\d+)(?:,packets=(\d+),bytes=(\d+))?/

/** Without -m the text has one state, in which SYN_RECV looks like ESTABLISHED (ct-dpif.c, coalesce_tcp_state). */
const STATES = /protoinfo=\(state(?:_orig)?=(\w+)(?:,state_reply=(\w+))?/

/** Returns undefined for a line that is not a TCP or UDP connection. */
export function parseEntry(line: string): Entry | undefined {
  const original = ORIGINAL.exec(line)
  if (original === null) return undefined
  const [, client, vip, sport, dport, packets, bytes] = original
  const timeout = number(/,timeout=(\d+)/.exec(line)?.[1])
  const states = STATES.exec(line)
  const start = /,start=([^,]+)/.exec(line)?.[1]
  return {
    client: oneText(client!),
    clientPort: Number(sport),
    vip: oneText(vip!),
    vipPort: Number(dport),
    mark: number(/,mark=(\d+)/.exec(line)?.[1]) ?? 0,
    states: states === null ? undefined : [states[1]!, states[2] ?? states[1]!],
    timeout,
    packets: number(packets),
    bytes: number(bytes),
    start: start === undefined ? undefined : Date.parse(`${start}Z`),
  }
}

const number = (text: string | undefined) => (text === undefined ? undefined : Number(text))

/** Canonical text of an address. IPv4 has only one form, and skipping it saves time with a hundred thousand entries. */
const oneText = (address: string): string => (address.includes(':') ? (canonical(address) ?? address) : address)
