import { flowsOf } from '../compile/objects.ts'
import type { GuestStatus } from '../guest/types.ts'
import type { Health } from '../health/types.ts'
import type { RealServer } from '../real-servers/types.ts'
import { readiness, toReport } from './readiness.ts'
import type { ReportedRealServer } from './types.ts'

export interface ReportsInput {
  readonly realServers: readonly RealServer[]
  /** Keys of those that are gone since the reports were made last. */
  readonly gone: readonly string[]
  /** The switch has confirmed this object. */
  confirmed(object: string): boolean
  /** The switch has confirmed everything: nothing has to be asked one by one. */
  readonly allConfirmed: boolean
  /** Why it has not, where that is known. */
  readonly flowsReason: string | undefined
  guest(vmUuid: string, mac: string): GuestStatus | undefined
  /** Undefined: not checked. The same object while nothing changes. */
  health(key: string): Health | undefined
  /** Ready in this very run of the VM, as far as is remembered. */
  wasReady(realServer: RealServer): boolean
}

/** One real server, as it is told to the director and to the operator. */
export interface Told {
  readonly realServer: RealServer
  readonly report: ReportedRealServer
  readonly flowsConfirmed: boolean
  readonly guest: GuestStatus | undefined
}

export interface Reports {
  readonly list: readonly ReportedRealServer[]
  /** Those that are new, or of which something was told anew. */
  readonly changed: readonly Told[]
  /** Keys of those that are gone. */
  readonly gone: readonly string[]
}

/** The reports before they have been made for the first time. */
export const NO_REPORTS: Reports = { list: [], changed: [], gone: [] }

interface Known extends Told {
  readonly health: Health | undefined
  readonly wasReady: boolean
  readonly flowsReason: string | undefined
}

/** Makes the reports pass by pass; what has not changed is the same object again. */
export function createReports(): (input: ReportsInput) => Reports {
  const known = new Map<string, Known>()

  const make = (realServer: RealServer, input: ReportsInput): Known => {
    const at = realServer.attachment
    const before = known.get(realServer.key)
    const guest = at && input.guest(realServer.vm.uuid, at.mac)
    const health = input.health(realServer.key)
    const wasReady = input.wasReady(realServer)
    const flowsConfirmed = at !== undefined && (input.allConfirmed || flowsOf(realServer).every(input.confirmed))
    const flowsReason = flowsConfirmed ? undefined : input.flowsReason
    if (
      before !== undefined &&
      before.realServer === realServer &&
      before.guest === guest &&
      before.health === health &&
      before.wasReady === wasReady &&
      before.flowsConfirmed === flowsConfirmed &&
      before.flowsReason === flowsReason
    )
      return before
    const report = toReport(realServer, readiness({ realServer, flowsConfirmed, flowsReason, guest, health, wasReady }))
    return { realServer, report, flowsConfirmed, guest, health, wasReady, flowsReason }
  }

  return input => {
    const list: ReportedRealServer[] = []
    const changed: Told[] = []
    for (const realServer of input.realServers) {
      const told = make(realServer, input)
      if (known.get(realServer.key) !== told) {
        changed.push(told)
        known.set(realServer.key, told)
      }
      list.push(told.report)
    }
    return { list, changed, gone: input.gone.filter(key => known.delete(key)) }
  }
}
