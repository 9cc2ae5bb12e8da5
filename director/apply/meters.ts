import type { Log } from '../../shared/log.ts'
import type { Meter } from '../../shared/openflow/meter.ts'
import type { Switch } from '../../shared/switch/types.ts'
import { METER } from '../compile/tables.ts'

/** Copies a second that a flood of packets of no connection may make of itself; a packet makes one for each host. */
const COPIES = 100_000
/** However many hosts there are, so many packets a second are asked about. */
const LEAST = 1000
/** As many connections at once come back without having to wait, after a restart of the switch; fewer where each asks many. */
const BURST = { most: 10_000, copies: 200_000 } as const
/** As many as are refused a second, and a quarter more (packets/refuse.ts). */
const TELL = { id: METER.tell, rate: 1250, burst: 1250 } as const
/** Those of what is told: each that is shown costs as much as a question. */
const ANSWER = { ...TELL, id: METER.answer } as const
/** First SYNs of persistent clients, while hosts are asked about them; each makes a copy for each host, too. */
const CLIENT = { id: METER.client, rate: 5000, burst: 5000 } as const

/** The meters that bound recall (compile/features/recall.ts). Flows that use them can be added only when they are there. */
export interface Meters {
  /** `hosts`: how many may be asked. Rejects with SWITCH_REJECTED where the datapath has no meters. */
  ensure(sw: Pick<Switch, 'setMeter'>, hosts: number): Promise<void>
  /** It may be another switch by now. */
  distrust(): void
  /** With the flows that use them. */
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

/** All that the flows name; `hosts` as for `ensure`. */
export function metersFor(hosts: number): readonly Meter[] {
  return [TELL, ANSWER, CLIENT, askMeter(hosts)]
}

/** By powers of two, so that a fleet that grows does not change it with each host. */
export function askMeter(hosts: number): Meter {
  const steps = 2 ** Math.ceil(Math.log2(Math.max(1, hosts)))
  const burst = Math.min(BURST.most, Math.max(LEAST, Math.round(BURST.copies / steps)))
  return { id: METER.ask, rate: Math.max(LEAST, Math.round(COPIES / steps)), burst }
}
