import type { Applied, Applier } from '../../shared/apply/apply.ts'
import type { Compiled } from '../../shared/flows/compiled.ts'
import type { Log } from '../../shared/log.ts'
import { announceDirector } from '../apply/announce.ts'
import type { SwitchSettings } from '../apply/settings.ts'
import type { HostContext, Shield } from '../compile/types.ts'
import { connectionSeconds, type Inputs, type Session } from '../inputs.ts'
import type { Outcome } from '../outcome.ts'
import { uplinkMembers } from '../ports/find.ts'
import type { RealServer } from '../real-servers/types.ts'

export interface ApplyOptions {
  readonly applier: Applier
  readonly settings: Pick<SwitchSettings, 'ensure'>
  /** Name of the port to the fabric. */
  readonly uplink: string
  /** D as this host's clients know it. After a start, the last one that was announced. */
  readonly announced: string | undefined
  readonly log: Log
}

export interface ApplyInput {
  readonly inputs: Inputs
  readonly host: HostContext
  readonly realServers: readonly RealServer[]
  readonly compiled: Compiled
  /** Objects that may differ from what was applied last; undefined: any may. */
  readonly changed: readonly string[] | undefined
  readonly sweep: boolean
  shields(): readonly Shield[]
}

export type ApplyResult = Pick<Outcome, 'applied' | 'confirmed' | 'allConfirmed' | 'flowsReason' | 'failure'>

/**
 * Brings the switch to what was compiled, with its settings. Never rejects: a failure is in the result, because the outlets have to
 * hear of everything else.
 */
export function createApplyStation({ applier, settings, uplink, announced, log }: ApplyOptions) {
  let known = announced

  const announce = async (sw: Session, { host, shields }: ApplyInput) => {
    const { directorMac } = host
    if (directorMac === undefined || directorMac === known) return
    if (known !== undefined) await announceDirector(sw, shields(), host, directorMac)
    known = directorMac
  }

  const applyFlows = async (input: ApplyInput): Promise<Applied> => {
    const { inputs, compiled, changed, sweep } = input
    const { session, reason } = inputs.switch
    if (session === undefined) throw new Error(reason)
    const applied = await applier.apply(compiled, session, { sweep, ...(changed === undefined ? {} : { changed }) })
    if (applied.added + applied.changed + applied.deleted > 0) log.info('flows confirmed by the switch', { ...applied })
    await announce(session, input)
    return applied
  }

  return async (input: ApplyInput): Promise<ApplyResult> => {
    const unset =
      input.host.directors.length === 0 ? undefined : await failureOf(settings.ensure(settingsOf(input, uplink)))
    const confirmed = { has: applier.confirmed }
    try {
      const applied = await applyFlows(input)
      const allConfirmed = applier.quarantined.length === 0
      return { applied, confirmed, allConfirmed, flowsReason: undefined, failure: unset }
    } catch (error) {
      const flowsReason = error instanceof Error ? error.message : undefined
      return { applied: NOTHING, confirmed, allConfirmed: false, flowsReason, failure: { error } }
    }
  }
}

const NOTHING: Applied = { added: 0, changed: 0, deleted: 0 }

async function failureOf(work: Promise<void>): Promise<Outcome['failure']> {
  return work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
}

function settingsOf({ inputs, host, realServers }: ApplyInput, uplink: string) {
  return {
    datapathType: inputs.ports.bridge?.datapathType ?? '',
    connectionSeconds: connectionSeconds(inputs.directors),
    clientSeconds: Math.max(0, ...realServers.map(({ persistence }) => persistence?.timeout ?? 0)),
    taught: taughtOf(host, realServers, uplinkMembers(inputs.ports, uplink)[0]?.name),
  }
}

/** Where the bridge forwards frames to a director by NORMAL, it must have learnt the director's place; otherwise it floods them. */
function taughtOf(host: HostContext, realServers: readonly RealServer[], port: string | undefined) {
  const floods = host.overlay === undefined && (host.uplink === undefined || host.uplinkTag !== undefined)
  if (!floods || port === undefined) return undefined
  const vlans = new Set(
    realServers.flatMap(({ attachment }) => (attachment === undefined ? [] : [attachment.tag ?? 0])),
  )
  const addresses = host.directors.flatMap(({ recallMac: mac }) => [...vlans].map(vlan => ({ mac, vlan })))
  return { port, addresses }
}
