import type { Log } from '../../shared/log.ts'
import type { Meter } from '../../shared/openflow/meter.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { METER } from '../compile/tables.ts'

/** Most copies a second that a flood of packets without a connection may cause. Each packet causes one copy per host. */
const COPIES = 100_000
/** At least so many packets a second are asked about, however many hosts there are. */
const LEAST = 1000
/**
 * Connections that are recalled at once without waiting after a restart of the switch; fewer when each question makes many
 * copies.
 */
const BURST = { most: 10_000, copies: 200_000 } as const
/** The rate of refusals (packets/refuse.ts) and a quarter more. */
const TELL = { id: METER.tell, rate: 1250, burst: 1250 } as const
/** Answers of hosts that the process sees: handling one costs as much as handling a question. */
const ANSWER = { ...TELL, id: METER.answer } as const
/** First SYNs of persistent clients while hosts are asked about them; each makes one copy per host, too. */
const CLIENT = { id: METER.client, rate: 5000, burst: 5000 } as const
/** More than the process handles (packets/icmp-errors.ts), so that those about no connection do not use up all of it. */
const ICMP_ERROR = { id: METER.icmpError, rate: 1000, burst: 1000 } as const
const REFUSE = { ...TELL, id: METER.refuse } as const

/** The meters before all that the process sees, and before recall (compile/features/recall.ts). Flows that use a meter can be added only after the meter exists. */
export interface Meters {
  /** `hosts`: number of hosts that may be asked. Rejects with SWITCH_REJECTED where the datapath has no meters. */
  ensure(sw: Pick<Switch, 'setMeter'>, hosts: number): Promise<void>
  /** Forgets what has been set: the switch may be another one by now. */
  distrust(): void
  /** Removes the meters, and with them the flows that use them. */
  withdraw(sw: Pick<Switch, 'deleteMeter'>): Promise<void>
}

export function createMeters(log: Log): Meters {
  let rate = 0
  return {
    ensure: async (sw, hosts) => {
      const wanted = askMeter(hosts)
      if (wanted.rate === rate) return
      for (const meter of metersFor(hosts)) await sw.setMeter(meter)
      rate = wanted.rate
      log.debug('recall is metered', { hosts, packetsPerSecond: rate })
    },
    distrust: () => {
      rate = 0
    },
    withdraw: async sw => {
      rate = 0
      for (const id of Object.values(METER)) await sw.deleteMeter(id)
    },
  }
}

/** All meters that the flows name; `hosts` as for `ensure`. */
export function metersFor(hosts: number): readonly Meter[] {
  return [TELL, ANSWER, CLIENT, ICMP_ERROR, REFUSE, askMeter(hosts)]
}

/** The rate changes by powers of two, so that it does not change with each host of a growing fleet. */
export function askMeter(hosts: number): Meter {
  const steps = 2 ** Math.ceil(Math.log2(Math.max(1, hosts)))
  const burst = Math.min(BURST.most, Math.max(LEAST, Math.round(BURST.copies / steps)))
  return { id: METER.ask, rate: Math.max(LEAST, Math.round(COPIES / steps)), burst }
}
