import { canonical } from '../../shared/net/family.ts'

/** One entry of the connection table, as `dpctl/dump-conntrack -m -s` writes it (ct-dpif.c, ct_dpif_format_entry). */
export interface Entry {
  readonly client: string
  readonly clientPort: number
  readonly vip: string
  readonly vipPort: number
  readonly mark: number
  /** Of TCP: of the client's side and of the real server's, which are one in the kernel. */
  readonly states: readonly [string, string] | undefined
  /** Seconds until it is forgotten. */
  readonly timeout: number | undefined
  /** Only where the datapath counts them. */
  readonly packets: number | undefined
  readonly bytes: number | undefined
  /** Milliseconds since 1970. */
  readonly start: number | undefined
}

/** Of a TCP or UDP connection; ICMP has no ports. IPv6 addresses as inet_ntop(3) writes them. */
const ORIGINAL = /orig=\(src=([\da-f.:]+),dst=([\da-f.:]+),sport=(\d+),dport=(\d+)(?:,packets=(\d+),bytes=(\d+))?/

/** Without -m there is one, in which SYN_RECV looks like ESTABLISHED (ct-dpif.c, coalesce_tcp_state). */
const STATES = /protoinfo=\(state(?:_orig)?=(\w+)(?:,state_reply=(\w+))?/

/** Undefined for a line that is no TCP or UDP connection. */
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

/** There may be a hundred thousand entries, and IPv4 has one text only. */
const oneText = (address: string): string => (address.includes(':') ? (canonical(address) ?? address) : address)
