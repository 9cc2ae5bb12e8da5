/**
 * The one place that lays out the 64-bit cookie, by which a restarted daemon knows what is its own:
 *
 *     63      48 47  44 43      32 31             0
 *     +---------+------+----------+----------------+
 *     |  magic  | owner|   kind   |     object     |
 *     +---------+------+----------+----------------+
 *
 * Groups have no cookie (OpenFlow 1.5.1, 7.3.4.3), so each owner has a range of group ids: prefix(16) | number(16).
 */
const MAGIC = 0xc705n

export type Owner = 'agent' | 'director'

const OWNERS: Readonly<Record<Owner, number>> = { agent: 1, director: 2 }
/**
 * Owner of flows that the switch makes itself by `learn`. No daemon replaces or deletes them: they expire, or go with the flow
 * that made them.
 */
const LEARNT = 3n
const GROUP_PREFIX: Readonly<Record<Owner, number>> = { agent: 0xc701, director: 0xc702 }

/**
 * Why a flow exists. The numbers are on the wire and in saved flows: append, never renumber. Kinds named after ARP also serve ND
 * where the VIP is IPv6.
 */
export const COOKIE_KINDS = {
  base: 0,
  // Agent, in the order of a packet's way
  request: 1,
  reply: 2,
  'arp-answer': 3,
  'arp-shield': 4,
  'source-mac': 5,
  'anti-spoof': 6,
  tunnel: 7,
  'icmp-error': 8,
  probe: 9,
  signal: 10,
  recall: 11,
  guard: 12,
  'from-director': 13,
  fragment: 14,
  'probe-source': 15,
  // Director
  'vip-arp': 32,
  'vip-icmp': 33,
  dispatch: 34,
  connection: 35,
  schedule: 36,
  'commit-mark': 37,
  forward: 38,
  'vip-icmp-error': 39,
  opened: 40,
  ended: 41,
  persistence: 42,
  reject: 43,
  turn: 44,
  'no-request': 48,
  'from-host': 49,
  ask: 50,
  unanswered: 51,
  client: 52,
  accepted: 53,
  reset: 54,
} as const satisfies Record<string, number>

export type CookieKind = keyof typeof COOKIE_KINDS

export interface Cookie {
  readonly owner: Owner
  /** Undefined for a kind of a newer version; such a flow is still ours to replace or delete. */
  readonly kind: CookieKind | undefined
  /** 0 to 2³²-1, given by the compiler: the number of the service, real server, VIP or port. */
  readonly object: number
}

const KIND_NAMES = new Map<number, CookieKind>(Object.entries(COOKIE_KINDS).map(([name, n]) => [n, name as CookieKind]))

const prefixes = (owner: Owner) =>
  Object.fromEntries(
    Object.entries(COOKIE_KINDS).map(([kind, number]) => [
      kind,
      (MAGIC << 48n) | (BigInt(OWNERS[owner]) << 44n) | (BigInt(number) << 32n),
    ]),
  ) as Readonly<Record<CookieKind, bigint>>

const PREFIXES = { agent: prefixes('agent'), director: prefixes('director') }

/** Throws RangeError when `object` does not fit 32 bits. */
export function encodeCookie(owner: Owner, kind: CookieKind, object = 0): bigint {
  if (!Number.isInteger(object) || object < 0 || object > 0xffffffff)
    throw new RangeError(`cookie object ${object} is not a 32-bit number`)
  return PREFIXES[owner][kind] | BigInt(object)
}

/**
 * Cookie of learnt flows. Neither daemon owns them, so they take no part in any difference. Open vSwitch deletes learnt flows
 * with the last flow that learns under their cookie, so each learning flow has its own `object`, of 32 bits.
 */
export function learntCookie(object: number): bigint {
  return (MAGIC << 48n) | (LEARNT << 44n) | BigInt(object)
}

/** Undefined when the cookie is not ours. */
export function decodeCookie(cookie: bigint): Cookie | undefined {
  if (cookie >> 48n !== MAGIC) return undefined
  const number = Number((cookie >> 44n) & 0xfn)
  const owner = (Object.keys(OWNERS) as Owner[]).find(name => OWNERS[name] === number)
  if (owner === undefined) return undefined
  return { owner, kind: KIND_NAMES.get(Number((cookie >> 32n) & 0xfffn)), object: Number(cookie & 0xffffffffn) }
}

/** Cookie and mask that select all flows of one owner in a flow-desc, flow monitor or delete request. */
export function ownerCookie(owner: Owner): { readonly cookie: bigint; readonly mask: bigint } {
  return { cookie: (MAGIC << 48n) | (BigInt(OWNERS[owner]) << 44n), mask: 0xffff_f000_0000_0000n }
}

/** Cookie and mask that select all flows of one kind. */
export function kindCookie(owner: Owner, kind: CookieKind): { readonly cookie: bigint; readonly mask: bigint } {
  return { cookie: encodeCookie(owner, kind), mask: 0xffff_ffff_0000_0000n }
}

export function ownsFlow(owner: Owner, cookie: bigint): boolean {
  const own = ownerCookie(owner)
  return (cookie & own.mask) === own.cookie
}

/** Throws RangeError when `number` does not fit 16 bits. */
export function groupId(owner: Owner, number: number): number {
  if (!Number.isInteger(number) || number < 0 || number > 0xffff)
    throw new RangeError(`group number ${number} is not a 16-bit number`)
  return GROUP_PREFIX[owner] * 0x10000 + number
}

export function ownsGroup(owner: Owner, id: number): boolean {
  return Math.floor(id / 0x10000) === GROUP_PREFIX[owner]
}

/** Text for logs: `agent/reply/7`, or the bare number for a foreign cookie. */
export function cookieText(cookie: bigint): string {
  const ours = decodeCookie(cookie)
  return ours === undefined ? `0x${cookie.toString(16)}` : `${ours.owner}/${ours.kind ?? 'unknown'}/${ours.object}`
}
