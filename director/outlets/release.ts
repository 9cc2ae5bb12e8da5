import { macBytes } from '../../shared/address/mac.ts'
import type { Log } from '../../shared/log.ts'
import { familyOfNumber } from '../../shared/net/family.ts'
import { PORT } from '../../shared/openflow/types.ts'
import { TCP_FLAG, tcpPacket } from '../../shared/packet/tcp.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { type Account, type Accounts, type Client, type Listener, listenerOf } from '../accounting/accounts.ts'
import { toAll } from '../compile/fabric.ts'
import type { CompiledService, Site } from '../compile/types.ts'

/**
 * Tells clients at once that the real server of their connection is gone. Such a connection is answered with RST, but only when
 * the client sends something, and a client that waits for an answer sends nothing. The director does not know the sequence
 * numbers that a RST needs (RFC 5961, section 3), so it makes the client send them: a client must answer a segment outside of its
 * window with its own numbers (RFC 9293, 3.10.7.4), and that answer is reset like any other packet.
 */
export interface Releaser {
  /** Takes services as the switch has them from now on, and services that it no longer has. */
  update(altered: readonly CompiledService[], gone: readonly CompiledService[]): void
  close(): void
}

export interface ReleaserOptions {
  readonly accounts: Pick<Accounts, 'list' | 'giveUp'>
  readonly switch: () => Pick<Switch, 'packetOut'> | undefined
  readonly site: () => Site | undefined
  readonly log: Log
  readonly clock: Clock
}

/** As many per second as the director refuses (refuse.ts), so that all answers are refused, too. */
const BATCH = { size: 50, ms: 50 } as const

/**
 * Clients are asked a second time after this, because a question may be lost, and the youngest connections have no account yet.
 * Then the connections are given up: a client that is there has answered, and the others need not be asked again when the same
 * real server goes another time.
 */
const AGAIN_MS = 2500

interface Waiting {
  readonly listener: Listener
  readonly client: Client
  readonly account: Account
}

export function createReleaser(options: ReleaserOptions): Releaser {
  const { accounts, clock, log } = options
  const marks = new Map<number, ReadonlySet<number>>()
  let waiting: Waiting[] = []
  let cancel: (() => void) | undefined
  const again = new Set<() => void>()

  const release = (service: CompiledService, still: ReadonlySet<number>) => {
    const left = marks.get(service.number)?.difference(still)
    if (left === undefined || left.size === 0 || service.protocol !== 'tcp') return
    const connections = ask(service, left)
    if (connections > 0) log.info('connections are released', { vip: service.vip, port: service.port, connections })
    const cancelAgain = clock.after(AGAIN_MS, () => {
      again.delete(cancelAgain)
      ask(service, left)
      giveUp(service, left)
    })
    again.add(cancelAgain)
  }

  const openOf = (service: CompiledService, left: ReadonlySet<number>): Waiting[] => {
    const listener = listenerOf(service)
    return [...accounts.list(listener, clock.now())].flatMap(([client, account]) =>
      left.has(account.mark) && !account.ended ? { listener, client, account } : [],
    )
  }

  const giveUp = (service: CompiledService, left: ReadonlySet<number>) => {
    for (const { listener, client } of openOf(service, left)) accounts.giveUp(listener, client, clock.now())
  }

  const ask = (service: CompiledService, left: ReadonlySet<number>): number => {
    const released = openOf(service, left)
    waiting = waiting.concat(released)
    if (released.length > 0) cancel ??= clock.after(0, send)
    return released.length
  }

  const send = () => {
    const now = waiting.slice(0, BATCH.size)
    waiting = waiting.slice(BATCH.size)
    cancel = waiting.length === 0 ? undefined : clock.after(BATCH.ms, send)
    const sw = options.switch()
    const site = options.site()
    if (sw === undefined || site === undefined) return
    const actions = toAll(site, false)
    const failed = (err: unknown) => log.debug('a client could not be told that its real server is gone', { err })
    // From the controller: NORMAL learns nothing by it, and lets any VLAN through. On an overlay nobody knows the client's host.
    for (const one of now) {
      sw.packetOut({ inPort: PORT.CONTROLLER, actions, data: question(one, site.directorMac) }).catch(failed)
    }
  }

  return {
    update: (altered, gone) => {
      for (const service of gone) {
        release(service, new Set())
        marks.delete(service.number)
      }
      for (const service of altered) {
        const still = new Set(service.targets.map(({ mark }) => mark))
        release(service, still)
        marks.set(service.number, still)
      }
    },
    close: () => {
      cancel?.()
      for (const cancelAgain of again) cancelAgain()
    },
  }
}

/** A segment from the VIP to the client, with sequence number 0, which is hardly ever in the window. */
function question({ listener, client, account }: Waiting, directorMac: string): Buffer {
  const family = familyOfNumber(listener.vip)
  const ethernet = Buffer.alloc(14)
  ethernet.writeUIntBE(account.mac, 0, 6)
  macBytes(directorMac).copy(ethernet, 6)
  ethernet.writeUInt16BE(family.etherType, 12)
  const tag = Buffer.alloc(account.vlan === 0 ? 0 : 4)
  if (account.vlan !== 0) {
    tag.writeUInt16BE(0x8100, 0)
    tag.writeUInt16BE(account.vlan, 2)
  }
  const packet = tcpPacket(
    { src: family.toBytes(listener.vip), dst: family.toBytes(client.address) },
    { srcPort: listener.port, dstPort: client.port, sequence: 0, acknowledgment: 0, flags: TCP_FLAG.ACK },
  )
  return Buffer.concat([ethernet.subarray(0, 12), tag, ethernet.subarray(12), packet])
}
