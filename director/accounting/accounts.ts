import { familyOf } from '../../shared/net/family.ts'
import { PROTOCOL } from '../../shared/net/match.ts'
import type { Address } from '../../shared/net/types.ts'
import { ACCOUNTING } from '../compile/tables.ts'
import type { CompiledService } from '../compile/types.ts'
import type { ConnectionTimeouts } from '../config.ts'
import type { IpfixRecord } from './ipfix.ts'

/** What is known about one connection. Times are clock milliseconds. */
export interface Account {
  readonly mark: number
  /** Hardware address that the client's packets have come from, and its VLAN: answers to the client go there. */
  readonly mac: number
  readonly vlan: number
  readonly start: number
  readonly last: number
  readonly packets: number
  /** Sum of the lengths of the IP packets. */
  readonly bytes: number
  /** The client or the real server has ended the connection. */
  readonly ended: boolean
}

/** A service, as its packets name it. */
export interface Listener {
  readonly vip: Address
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
}

/** The client's address and port in a connection. */
export interface Client {
  readonly address: Address
  readonly port: number
}

/**
 * The director's own accounts of its services' connections, made from the records that the switch exports (RFC 7011). The switch
 * forgets an idle connection when the director does, but reports neither.
 */
export interface Accounts {
  /** `domain`: what the packets are to their connection (compile/tables.ts, ACCOUNTING). */
  add(record: IpfixRecord, domain: number, now: number): void
  find(listener: Listener, client: Client): Account | undefined
  list(listener: Listener, now: number): Iterable<readonly [Client, Account]>
  /** The connection was given up with its real server. Should another continue it, its next record revives the account. */
  giveUp(listener: Listener, client: Client, now: number): void
  /** True when the connection was counted from its first packet on. */
  isWhole(listener: Listener, account: Account): boolean
  /** The switch exports the connections of this service from now on, or does not. Idempotent. */
  follow(listener: Listener, exported: boolean): void
  /** Drops the accounts of a service that is gone. */
  forget(listener: Listener): void
  /** Some records were lost, and nobody knows of which connections. */
  lost(): void
}

/** A connection of a service that has ended matters for a moment only. */
const ENDED_MS = 60_000
/** Most accounts of one service, about 50 MB. Further connections are not accounted. */
const MOST = 250_000

interface Book {
  readonly live: AgingMap
  readonly ended: AgingMap
  exported: boolean
  /** How often records of this service may have been missed. */
  breaks: number
}

interface Entry extends Account {
  mark: number
  mac: number
  vlan: number
  last: number
  packets: number
  bytes: number
  ended: boolean
  /** Sum of the service's and the global breaks when the account began; -1: the connection was older. */
  breaks: number
}

/** `recallMac`: R as a number. Packets to R come from hosts and belong to connections that began earlier. */
export function createAccounts(
  timeouts: ConnectionTimeouts,
  recallMac: () => number | undefined = () => undefined,
): Accounts {
  const books = new Map<Address, Book>()
  let breaks = 0

  /**
   * Marks an account as ended by the copy of a real server's FIN or RST, which is not a packet of the client. Other packets
   * without a known service were under way when their service was removed.
   */
  const endedByServer = (record: IpfixRecord, domain: number, now: number) => {
    const { source: vip = 0, destination: address = 0 } = addressesOf(record)
    const book = books.get(bookKey({ vip, port: record.sourceTransportPort ?? 0, protocol: 'tcp' }))
    const key = clientKey({ address, port: record.destinationTransportPort ?? 0 })
    if (book !== undefined && domain === ACCOUNTING.domain.ended) end(book, key, now)
  }

  return {
    add: (record, domain, now) => {
      const { source: address, destination: vip } = addressesOf(record)
      const mark = record.observationPointId
      if (address === undefined || vip === undefined || mark === undefined) return
      const protocol = record.protocolIdentifier === PROTOCOL.tcp ? 'tcp' : 'udp'
      const book = books.get(bookKey({ vip, port: record.destinationTransportPort ?? 0, protocol }))
      if (book === undefined) return endedByServer(record, domain, now)
      const key = clientKey({ address, port: record.sourceTransportPort ?? 0 })
      const start = now - (record.flowStartDeltaMicroseconds ?? 0) / 1000
      const told = record.destinationMacAddress !== undefined && record.destinationMacAddress === recallMac()
      const opens = domain === ACCOUNTING.domain.opened && !told
      let entry = book.live.get(key, now) ?? (opens ? undefined : book.ended.get(key, now))
      if (entry === undefined) {
        if (book.live.size + book.ended.size >= MOST) return
        entry = {
          mark,
          mac: 0,
          vlan: 0,
          start,
          last: start,
          packets: 0,
          bytes: 0,
          ended: false,
          breaks: opens ? book.breaks + breaks : -1,
        }
      }
      const last = now - (record.flowEndDeltaMicroseconds ?? 0) / 1000
      if (mark !== entry.mark && last >= entry.last) goOnWith(entry, mark)
      if (!told) entry.mac = record.sourceMacAddress ?? 0
      entry.vlan = record.vlanId ?? 0
      entry.last = Math.max(entry.last, last)
      entry.packets += record.packetDeltaCount ?? 0
      entry.bytes += record.octetDeltaCount ?? 0
      if (domain === ACCOUNTING.domain.ended) entry.ended = true
      const [entries, others] = entry.ended ? [book.ended, book.live] : [book.live, book.ended]
      others.delete(key)
      entries.set(key, entry, now)
    },
    find: (listener, client) => {
      const book = books.get(bookKey(listener))
      const key = clientKey(client)
      return book?.live.peek(key) ?? book?.ended.peek(key)
    },
    *list(listener, now) {
      const book = books.get(bookKey(listener))
      if (book === undefined) return
      const oldest = now - timeouts[listener.protocol] * 1000
      for (const entries of [book.live, book.ended]) {
        for (const [key, entry] of entries.entries()) if (entry.last >= oldest) yield [clientOf(key), entry]
      }
    },
    giveUp: (listener, client, now) => {
      const book = books.get(bookKey(listener))
      if (book !== undefined) end(book, clientKey(client), now)
    },
    isWhole: (listener, account) => {
      return (account as Entry).breaks === (books.get(bookKey(listener))?.breaks ?? 0) + breaks
    },
    follow: (listener, exported) => {
      const key = bookKey(listener)
      const book = books.get(key) ?? newBook(timeouts[listener.protocol])
      books.set(key, book)
      if (book.exported && !exported) book.breaks++
      book.exported = exported
    },
    forget: listener => {
      books.delete(bookKey(listener))
    },
    lost: () => {
      breaks++
    },
  }
}

function end({ live, ended }: Book, key: Address, now: number): void {
  const entry = live.get(key, now)
  if (entry === undefined) return
  entry.ended = true
  live.delete(key)
  ended.set(key, entry, now)
}

/** It was recalled from another real server: its VM has moved, or its ports are another connection's by now. */
function goOnWith(entry: Entry, mark: number): void {
  entry.mark = mark
  entry.ended = false
  entry.breaks = -1
}

function newBook(seconds: number): Book {
  return { live: new AgingMap(seconds * 1000), ended: new AgingMap(ENDED_MS), exported: false, breaks: 0 }
}

/**
 * A map that drops entries which nobody has used for `ms` to twice as long. Entries used since the last turn are in the young
 * map, all others in the old one, which is dropped at the next turn. So entries never have to be searched.
 */
class AgingMap {
  readonly #ms: number
  #young = new Map<Address, Entry>()
  #old = new Map<Address, Entry>()
  #turnAt = Number.NEGATIVE_INFINITY

  constructor(ms: number) {
    this.#ms = ms
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  peek(key: Address): Entry | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  get(key: Address, now: number): Entry | undefined {
    this.#turn(now)
    return this.peek(key)
  }

  set(key: Address, entry: Entry, now: number): void {
    this.#turn(now)
    this.#old.delete(key)
    this.#young.set(key, entry)
  }

  delete(key: Address): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  *entries(): Generator<[Address, Entry]> {
    yield* this.#old
    yield* this.#young
  }

  #turn(now: number): void {
    if (now < this.#turnAt) return
    // After two turns without any use the old entries are outdated too.
    this.#old = now - this.#turnAt < this.#ms ? this.#young : new Map()
    this.#young = new Map()
    this.#turnAt = now + this.#ms
  }
}

/*
 * Keys are the address with the port appended: numbers below 2^49 for IPv4 and bigints for IPv6. A Map never confuses the two.
 */
const withPort = (address: Address, port: number): Address =>
  typeof address === 'bigint' ? (address << 16n) | BigInt(port) : address * 0x10000 + port

function bookKey({ vip, port, protocol }: Listener): Address {
  const key = withPort(vip, port)
  if (protocol === 'tcp') return key
  return typeof key === 'bigint' ? key | (1n << 144n) : key + 0x1_0000_0000_0000
}

const clientKey = ({ address, port }: Client): Address => withPort(address, port)

function clientOf(key: Address): Client {
  return typeof key === 'bigint'
    ? { address: key >> 16n, port: Number(key & 0xffffn) }
    : { address: Math.floor(key / 0x10000), port: key % 0x10000 }
}

function addressesOf(record: IpfixRecord) {
  return {
    source: record.sourceIPv4Address ?? record.sourceIPv6Address,
    destination: record.destinationIPv4Address ?? record.destinationIPv6Address,
  }
}

export function listenerOf({ vip, port, protocol }: Pick<CompiledService, 'vip' | 'port' | 'protocol'>): Listener {
  return { vip: familyOf(vip).parse(vip)!, port, protocol }
}
