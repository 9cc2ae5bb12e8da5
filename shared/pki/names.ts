/** Who a certificate names. Pure: reads what node:tls tells of a peer's certificate. */

export type Role = 'host' | 'director'

/** A role in a fleet, as a SPIFFE ID (SPIFFE-ID, 2): `spiffe://<fleet id>/host/<host id>` or `…/director/<director id>`. */
export interface FleetName {
  readonly fleet: string
  readonly role: Role
  readonly name: string
}

/** What `node:tls` tells of a certificate (PeerCertificate), and `node:crypto` in other words (X509Certificate). */
export interface CertificateNames {
  readonly subjectaltname?: string | undefined
  readonly subject?: { readonly CN?: string | readonly string[] | undefined } | undefined
}

/** Characters of a SPIFFE ID's path segment (SPIFFE-ID, 2.2). */
const SEGMENT = /^(?!\.\.?$)[A-Za-z0-9._-]{1,253}$/
const FLEET_URI = /^spiffe:\/\/([a-z0-9._-]+)\/(host|director)\/([^/]+)$/

/** Whether a certificate of ours can name it: a host id, a director's id. Host names always are. */
export const isName = (text: string): boolean => SEGMENT.test(text)

export const uriOf = ({ fleet, role, name }: FleetName): string => `spiffe://${fleet}/${role}/${name}`

/** The role that a URI states; undefined: it is none of ours. */
export function fleetNameOf(uri: string): FleetName | undefined {
  const [, fleet, role, name = ''] = FLEET_URI.exec(uri) ?? []
  if (fleet === undefined || !isName(name)) return undefined
  return { fleet, role: role as Role, name }
}

/** Whom a certificate names: with its role in a fleet, or by plain names, as those of an existing PKI do. */
export interface Identity {
  readonly role: FleetName | undefined
  /** The role's name; without a role the DNS names, or else the common name (RFC 9525, 2.1). Empty: it names nobody. */
  readonly names: readonly string[]
}

/** A certificate that states several roles names nobody (X509-SVID, 2: exactly one URI). */
export function identityOf({ subjectaltname, subject }: CertificateNames): Identity {
  const [role, second] = altNames(subjectaltname, 'URI').flatMap(uri => fleetNameOf(uri) ?? [])
  if (second !== undefined) return { role: undefined, names: [] }
  if (role !== undefined) return { role, names: [role.name] }
  const dns = altNames(subjectaltname, 'DNS')
  const common = typeof subject?.CN === 'string' ? [subject.CN] : []
  return { role, names: dns.length > 0 ? dns : common }
}

/** Node quotes a value that has a comma or a quote in it, as JSON does (nodejs.org/api/tls.html, certificate object). */
const ALT_NAME = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/gy

function altNames(text: string | undefined, kind: 'DNS' | 'URI'): readonly string[] {
  const found = [...(text ?? '').matchAll(ALT_NAME)]
  return found.flatMap(([, type, value = '']) => {
    if (type !== kind) return []
    return [value.startsWith('"') ? (JSON.parse(value) as string) : value]
  })
}

/**
 * Why a director that is dialled is not believed to be one; undefined: its role does not speak against it.
 * In an existing PKI, where the dialler or the director has no role, the address that was dialled must be in the director's
 * certificate, too (ordinary TLS).
 *
 * @param own - the dialler's own role
 */
export function directorProblem(own: FleetName | undefined, { role }: Identity): string | undefined {
  if (role === undefined) return own === undefined ? undefined : `its certificate is not one of fleet ${own.fleet}`
  if (role.role !== 'director') return `its certificate is that of ${role.role} ${role.name}, and not a director's`
  if (own !== undefined && own.fleet !== role.fleet)
    return `it is a director of fleet ${role.fleet}, not of ${own.fleet}`
  return undefined
}
