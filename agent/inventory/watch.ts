import { CrossportError, messageOf } from '../../shared/errors.ts'
import { connectLibvirt, type LibvirtConnection } from '../../shared/libvirt/connection.ts'
import { subscribe } from '../../shared/libvirt/events.ts'
import { formatUuid } from '../../shared/libvirt/uuid.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { keepConnected } from '../../shared/run/keep-connected.ts'
import type { ReconnectOptions } from '../../shared/run/reconnect.ts'
import { listDomains, readDomain } from './read.ts'
import { createRefresher } from './refresher.ts'
import type { Domain, Inventory, UnreadableDomain } from './types.ts'

export interface WatchInventoryOptions {
  /** libvirt's unix socket, e.g. /var/run/libvirt/libvirt-sock */
  readonly socket: string
  readonly log: Log
  readonly clock: Clock
  /** VMs as they were known before this process: each stands until libvirt has told of it. Default: none. */
  readonly known?: readonly Domain[]
  /** Called with every new snapshot; never from within `watchInventory` itself. */
  onChange(inventory: Inventory): void
  readonly uri?: string
  /** All is listed anew this often, for what libvirt has no event for (a NIC moved to another bridge). Default 60 s. */
  readonly resyncMs?: number
  readonly reconnect?: ReconnectOptions
}

export interface InventoryWatch {
  snapshot(): Inventory
  close(): void
}

/** A domain that cannot be read is read again after this time, for libvirt need not tell when it can. */
const REREAD_MS = 1000

/** It runs on this machine, but a dial is a process more where systemd starts it by its socket. */
const RECONNECT: ReconnectOptions = { fastRetry: 100, minBackoff: 250, maxBackoff: 1000 }

/**
 * Keeps a snapshot of all domains of one libvirtd:
 * 1. connect, ask for events, then list everything (in this order, so that nothing falls between);
 * 2. an event marks its domain; a marked domain is read anew, XML and state;
 * 3. when the connection is lost (libvirtd exits when idle, too) the domains keep their last value and `synced` is
 *    false until 1 has been done again;
 * 4. a domain that is listed and cannot be read keeps its last value, and is named: only libvirt's word that there is
 *    none removes it.
 */
export function watchInventory(options: WatchInventoryOptions): InventoryWatch {
  const { log, clock, known = [], resyncMs = 60_000 } = options
  const domains = new Map(known.map(domain => [domain.uuid, domain]))
  const unreadable = new Map<string, UnreadableDomain>()
  let names: ReadonlyMap<string, string> = new Map()
  let snapshot: Inventory = { synced: false, domains: known, reason: `connecting to libvirt at ${options.socket}` }
  let stopSession = () => {}

  const publish = (synced: boolean, reason?: string) => {
    const next: Inventory = {
      synced,
      domains: byUuid(domains),
      ...(unreadable.size === 0 ? {} : { unreadable: byUuid(unreadable) }),
      ...(reason === undefined ? {} : { reason }),
    }
    if (JSON.stringify(next) === JSON.stringify(snapshot)) return
    snapshot = next
    options.onChange(next)
  }

  const put = (uuid: string, domain: Domain | undefined) => {
    unreadable.delete(uuid)
    if (domain === undefined) domains.delete(uuid)
    // What is the same stays the same object: nothing that depends on it is made anew.
    else if (JSON.stringify(domain) !== JSON.stringify(domains.get(uuid))) domains.set(uuid, domain)
  }

  const session = (connection: LibvirtConnection, events: EventSource): (() => void) => {
    let over = false
    let synced = false
    let cancelResync = () => {}
    const rereads = new Map<string, () => void>()
    const reread = (uuid: string) => {
      rereads.get(uuid)?.()
      rereads.set(
        uuid,
        clock.after(REREAD_MS, () => refresher.mark(uuid)),
      )
    }
    const broken = (err: unknown) => {
      if (over) return
      log.warn('listing libvirt domains failed', { err })
      kept.drop(`listing libvirt domains failed: ${(err as Error).message}`)
    }
    const refresher = createRefresher({
      read: uuid => readDomain(connection, uuid),
      done: (uuid, domain) => {
        if (over) return
        put(uuid, domain)
        if (synced) publish(true)
      },
      failed: (uuid, err) => {
        if (isConnectionError(err)) return broken(err)
        if (over) return
        // One odd domain must not hide the others; it keeps its last value until it is read again.
        const reason = messageOf(err)
        if (unreadable.get(uuid)?.reason !== reason) log.warn(`libvirt domain ${uuid} cannot be read`, { err })
        unreadable.set(uuid, { uuid, name: names.get(uuid) ?? domains.get(uuid)?.name ?? uuid, reason })
        if (synced) publish(true)
        reread(uuid)
      },
    })
    events.listener = uuid => refresher.mark(uuid)
    const resync = async () => {
      names = await listDomains(connection)
      if (over) return
      // Those that are not listed too: that one is gone is said of itself.
      for (const uuid of new Set([...domains.keys(), ...unreadable.keys(), ...names.keys()])) refresher.mark(uuid)
      await refresher.idle()
      if (over) return
      if (!synced) log.info(`libvirt inventory in sync: ${domains.size} domains`)
      synced = true
      cancelResync = clock.after(resyncMs, () => void resync().catch(broken))
      publish(true)
    }
    subscribe(connection.call).then(resync).catch(broken)
    return () => {
      over = true
      cancelResync()
      for (const cancel of rereads.values()) cancel()
    }
  }

  const sources = new WeakMap<LibvirtConnection, EventSource>()
  const kept = keepConnected<LibvirtConnection>({
    ...RECONNECT,
    ...options.reconnect,
    clock,
    connect: async (events, signal) => {
      const source: EventSource = { listener: () => {} }
      const { socket, uri } = options
      const connection = await connectLibvirt(
        {
          socket,
          clock,
          ...(uri === undefined ? {} : { uri }),
          activity: events.activity,
          lost: events.lost,
          event: event => source.listener(formatUuid(event.dom.uuid)),
        },
        signal,
      )
      sources.set(connection, source)
      return connection
    },
    onUp: connection => {
      stopSession = session(connection, sources.get(connection) as EventSource)
    },
    onDown: reason => {
      stopSession()
      // libvirtd exits when idle and is started again by its socket: no reason to worry anybody.
      log.info(`connection to libvirt lost: ${reason}`)
      publish(false, reason)
    },
    onFailure: (err, retryMs) => {
      // Said once an outage; the attempts after it would only fill the journal.
      const level = snapshot.reason === err.message ? 'debug' : 'warn'
      log[level](`no connection to libvirt, next attempt in ${Math.round(retryMs)} ms`, { err })
      publish(false, err.message)
    },
  })

  return {
    snapshot: () => snapshot,
    close: () => {
      stopSession()
      kept.close()
    },
  }
}

function byUuid<T extends { readonly uuid: string }>(map: ReadonlyMap<string, T>): T[] {
  return [...map.values()].sort((a, b) => (a.uuid < b.uuid ? -1 : 1))
}

function isConnectionError(error: unknown): boolean {
  return error instanceof CrossportError && error.code !== 'LIBVIRT_ERROR'
}

interface EventSource {
  listener: (uuid: string) => void
}
