import type { Quarantined } from '../apply/quarantine.ts'
import type { SpecProblem } from '../config/service.ts'
import { ERRORS, type ErrorCode } from '../errors.ts'
import type { Problem } from '../rpc/gen/crossport/v1/Problem.ts'
import { type Condition, type Finding, found, type Severity } from './conditions.ts'
import { IDENTITY_CONDITIONS, type IdentityFacts } from './identity.ts'

/** What both daemons know of themselves. */
export interface CommonFacts {
  readonly role: 'agent' | 'director'
  readonly bridge: string
  /** Name of the port to the fabric, as configured. */
  readonly uplink: string
  readonly servicesDir: string
  /** Why each of these cannot be relied on now; undefined: it is in sync. */
  readonly away: {
    readonly files: string | undefined
    readonly ovsdb: string | undefined
    readonly switch: string | undefined
  }
  /** The database has been read, and the bridge is not in it, or of no use. */
  readonly bridgeMissing: string | undefined
  /** Why the uplink is of no use; undefined: it is, or it is not known whether it is. */
  readonly uplinkProblem: string | undefined
  /** Why there is no tunnel port, or none that fits. */
  readonly tunnelProblem: string | undefined
  /** The switch has been told to forward nothing until its flows are restored (ovs-vswitchd.conf.db(5), flow-restore-wait). */
  readonly flowRestoreWait: boolean
  readonly specProblems: readonly SpecProblem[]
  /** What the loop waits for before it acts. */
  readonly waitingFor: string | undefined
  /** A pass of this process has come to an outcome. */
  readonly applied: boolean
  /** What the last pass has failed with. */
  readonly lastError: Error | undefined
  readonly quarantined: readonly Quarantined[]
  /** Of the connection table; each with its own code. */
  readonly tableProblems: readonly Problem[]
  readonly tornDown: boolean
  readonly identity: IdentityFacts
}

/** What keeps either daemon from saying that everything is in force. */
export const COMMON_CONDITIONS: readonly Condition<CommonFacts>[] = [
  {
    code: 'SPEC_DIRECTORY',
    severity: 'warning',
    find: ({ away, servicesDir }) => found(servicesDir, away.files),
  },
  { code: 'OVSDB_UNREACHABLE', severity: 'warning', find: ({ away }) => found('ovsdb', away.ovsdb) },
  { code: 'SWITCH_UNREACHABLE', severity: 'warning', find: ({ away }) => found('switch', away.switch) },
  { code: 'BRIDGE_MISSING', severity: 'error', find: ({ bridge, bridgeMissing }) => found(bridge, bridgeMissing) },
  { code: 'UPLINK_MISSING', severity: 'error', find: ({ uplink, uplinkProblem }) => found(uplink, uplinkProblem) },
  { code: 'TUNNEL_PORT', severity: 'error', find: ({ uplink, tunnelProblem }) => found(uplink, tunnelProblem) },
  {
    code: 'FLOW_RESTORE_WAIT',
    severity: 'error',
    find: ({ bridge, flowRestoreWait }) =>
      found(
        bridge,
        flowRestoreWait ? 'flow-restore-wait is set: the switch lists its flows and forwards nothing' : undefined,
      ),
  },
  { code: 'SPEC_INVALID', severity: 'error', find: ({ specProblems }) => specProblems.map(invalidSpec) },
  { code: 'NOT_IN_SYNC', severity: 'warning', find: notInSync },
  { code: 'PASS_FAILED', severity: 'error', find: ({ lastError }) => failedPass(lastError) },
  {
    code: 'SWITCH_REJECTED',
    severity: 'error',
    find: ({ quarantined }) => quarantined.map(({ object, reason }) => ({ subject: object, message: reason })),
  },
  { code: 'CONNECTION_TABLE_FULL', severity: 'warning', find: ({ tableProblems }) => tableProblems.map(asFound) },
  { code: 'TORN_DOWN', severity: 'warning', find: tornDown },
  ...IDENTITY_CONDITIONS,
]

function invalidSpec({ file, line, column, reason, lastGood, code, severity }: SpecProblem): Finding {
  const message = lastGood ? `${reason} (the last good version of this file stays in force)` : reason
  return {
    subject: `${file}:${line}:${column}`,
    message,
    ...(code === undefined ? {} : { code }),
    ...(severity === undefined ? {} : { severity }),
  }
}

function notInSync({ role, applied, waitingFor }: CommonFacts): readonly Finding[] {
  if (applied) return found(role, waitingFor && `changes are not applied: waiting for ${waitingFor}`)
  return found(role, `nothing has been applied yet${waitingFor === undefined ? '' : `: waiting for ${waitingFor}`}`)
}

/** Its own code where the error has one: STORE_FAILED, where the state file cannot be written. */
function failedPass(error: Error | undefined): readonly Finding[] {
  if (error === undefined) return []
  const code = codeOf(error)
  // Acting comes before remembering: the rest of the pass is in force.
  if (code === 'STORE_FAILED' || code === 'STATE_CORRUPT') {
    const message = `what a restart needs is not saved, and is tried again: ${error.message}`
    return [{ subject: 'state file', message, code }]
  }
  const message = `the last pass failed, and is tried again: ${error.message}`
  return [{ subject: 'switch', message, ...(code === undefined ? {} : { code }) }]
}

function codeOf(error: Error): ErrorCode | undefined {
  const { code } = error as { readonly code?: unknown }
  // As SQLite says it (sqlite.org/rescode.html).
  if (typeof code === 'string' && code.startsWith('SQLITE_')) return 'STORE_FAILED'
  return isCode(code) ? code : undefined
}

const isCode = (code: unknown): code is ErrorCode => typeof code === 'string' && Object.hasOwn(ERRORS, code)

function asFound({ code = '', severity = '', subject = '', message = '' }: Problem): Finding {
  return { subject, message, severity: severity as Severity, ...(isCode(code) ? { code } : {}) }
}

function tornDown({ role, tornDown: down }: CommonFacts): readonly Finding[] {
  const back = role === 'director' ? '`crossport resync` or a restart' : 'a restart'
  return found(role, down ? `torn down on request; ${back} brings the services back` : undefined)
}
