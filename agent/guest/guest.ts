import { CrossportError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import { createDirtyLoop } from '../../shared/run/dirty-loop.ts'
import type { GuestRecords } from '../store/types.ts'
import { createOwnerFinder } from './owners/finder.ts'
import { type AgentCall, createQga } from './qga.ts'
import { createGuestRoutes } from './routes.ts'
import { settleGuest } from './settle.ts'
import { newStatus, retarget, sameStatus, withError, withNic, withVip } from './status.ts'
import type { GuestStatus, GuestTarget } from './types.ts'

export interface GuestOptions {
  readonly agentCall: AgentCall
  readonly records: GuestRecords
  readonly log: Log
  readonly clock: Clock
  onChange(): void
  /** Time after which every guest is verified again. Default 60 s. */
  readonly verifyMs?: number
  /** First wait after a failure, ms; doubles up to `verifyMs`. Default 1 s. */
  readonly retryMs?: number
}

export interface Guest {
  /** All targets of this VM, one for each NIC. */
  set(targets: readonly GuestTarget[]): void
  status(mac: string): GuestStatus | undefined
  /** Verifies the guest at once, because it seems to have a fault. */
  verify(): void
  stop(): Promise<void>
}

/** One VM, with a loop of its own, so that a stuck guest delays no other. */
export function createGuest(vmUuid: string, options: GuestOptions): Guest {
  const { agentCall, records, clock, verifyMs = 60_000, retryMs = 1000 } = options
  const log = options.log.with({ vmUuid })
  const statuses = new Map<string, GuestStatus>()
  const route = createGuestRoutes(log)
  const owner = createOwnerFinder(log, clock)
  let targets: readonly GuestTarget[] = []
  let cancelVerify = () => {}
  let told = ''

  const update = (mac: string, change: (status: GuestStatus) => GuestStatus) => {
    const old = statuses.get(mac)
    if (old === undefined) return
    const next = change(old)
    if (sameStatus(old, next)) return
    statuses.set(mac, next)
    options.onChange()
  }

  const failAll = (error: Error) => {
    for (const mac of statuses.keys()) update(mac, status => withError(status, error))
  }

  const settle = async (signal: AbortSignal) => {
    cancelVerify()
    const now = targets
    const absent = obstacle(now)
    if (absent !== undefined) {
      // Needs no retry: the inventory changes when the VM does.
      failAll(absent)
      return
    }
    const qga = createQga({ vmUuid, agentCall, clock, signal })
    // A pass that began before the VM started anew has seen the old run, so its findings are dropped.
    const current = () => targets === now || runOf(targets) === runOf(now)
    try {
      const failure = await settleGuest(now, {
        qga,
        records,
        log,
        owner,
        route: (system, target, nic) => route(qga, system, target, nic),
        wanted: (mac, vip) => targets.some(target => target.mac === mac && target.vips.includes(vip)),
        onNic: (mac, nic) => current() && update(mac, status => withNic(status, nic, records.list())),
        onVip: (mac, vip, found) => current() && update(mac, status => withVip(status, vip, found)),
      })
      if (failure !== undefined) throw new SingleFailure(failure.message, { cause: failure })
      told = ''
    } catch (error) {
      if (signal.aborted) return
      const single = error instanceof SingleFailure
      if (current() && !single) failAll(error as Error)
      tell((single ? error.cause : error) as Error)
      throw error
    }
    cancelVerify = clock.after(verifyMs, () => loop.mark('verify'))
  }

  /** Logs each new failure once; the status shows the repetitions. */
  const tell = (err: Error) => {
    if (told === err.message) return
    told = err.message
    const fields = { vm: targets[0]?.vmName, err }
    if (targets.some(({ vips }) => vips.length > 0))
      log.warn('the VIPs of a guest could not be set; the agent tries again', fields)
    else log.notice('a guest could not be looked into; the agent tries again', fields)
  }

  const loop = createDirtyLoop({
    clock,
    log: { ...log, warn: (message, fields) => log.debug(message, fields) },
    act: settle,
    retryMinMs: retryMs,
    retryMaxMs: verifyMs,
  })

  return {
    set: next => {
      if (next.length === targets.length && next.every((target, i) => target === targets[i])) return
      if (JSON.stringify(next) === JSON.stringify(targets)) return
      const forget = runOf(next) !== runOf(targets)
      targets = next
      if (forget) owner.forget()
      for (const mac of statuses.keys()) if (!next.some(target => target.mac === mac)) statuses.delete(mac)
      for (const target of next) {
        const { mac } = target
        if (!statuses.has(mac)) statuses.set(mac, newStatus(target))
        else update(mac, status => retarget(status, target, forget))
      }
      loop.mark('targets')
    },
    status: mac => statuses.get(mac),
    verify: () => loop.mark('suspected'),
    stop: () => {
      cancelVerify()
      return loop.stop()
    },
  }
}

/** Text that changes with every boot that the host can see: a guest that reboots closes its guest agent channel. */
function runOf(targets: readonly GuestTarget[]): string {
  const [first] = targets
  return JSON.stringify([first?.runId, first?.running, first?.agentChannel])
}

/** Why the guest cannot be asked at all. */
function obstacle([first]: readonly GuestTarget[]): CrossportError | undefined {
  if (first === undefined) return undefined
  const { vmName, running, agentChannel } = first
  if (!running) return new CrossportError('GUEST_NOT_RUNNING', `VM ${vmName} is not running`)
  if (agentChannel === 'none')
    return new CrossportError(
      'GUEST_NO_CHANNEL',
      `VM ${vmName} has no guest agent channel (org.qemu.guest_agent.0) in its XML`,
    )
  if (agentChannel === 'disconnected')
    return new CrossportError(
      'GUEST_AGENT_NOT_CONNECTED',
      `the guest agent of VM ${vmName} is not running (yet): its channel exists, but the guest has not opened it`,
    )
  return undefined
}

/** Makes the loop try again; the failure itself has already been recorded at its VIP or NIC. */
class SingleFailure extends Error {}
