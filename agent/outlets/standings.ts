import type { Finding } from '../../shared/status/conditions.ts'
import type { Registration } from '../cells.ts'
import type { Inputs } from '../inputs.ts'
import type { RefusalCode } from '../report/types.ts'

/** How the host stands with one of its directors, for status. */
export interface Standing {
  /** `director`; of several, each with its address. */
  readonly name: string
  readonly state: Registration['state'] | 'none'
  readonly detail: string
  /** Undefined: the host is registered there, or no director is configured. */
  readonly problem: (Finding & { readonly code: 'REPORT_DISCONNECTED' | RefusalCode }) | undefined
}

type Known = Omit<Registration, 'state'> & Pick<Standing, 'state'>

const NONE: Standing = {
  name: 'director',
  state: 'none',
  detail: 'no director has been heard of yet',
  problem: undefined,
}

/** @param addresses - of the directors, as configured */
export function standingsOf(
  addresses: readonly string[],
  registrations: ReadonlyMap<string, Registration>,
  { directors: { active, all } }: Pick<Inputs, 'directors'>,
): readonly Standing[] {
  if (addresses.length === 0) return [NONE]
  const several = addresses.length > 1
  return addresses.map(address => {
    const name = several ? `director ${address}` : NONE.name
    const registration: Known = registrations.get(address) ?? { state: NONE.state, reason: NONE.detail }
    const { state, reason } = registration
    const info = all.get(address)
    const leads = several && info === active ? ', answers for the VIPs' : ''
    const detail = state === 'registered' && info ? `${info.id}, MAC ${info.mac}${leads}` : reason
    return { name, state, detail, problem: problemOf(name, registration) }
  })
}

function problemOf(subject: string, { state, reason: message, code }: Known): Standing['problem'] {
  if (state === 'registered') return undefined
  return { subject, message, code: code ?? 'REPORT_DISCONNECTED' }
}
