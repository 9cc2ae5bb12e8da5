import test from 'ava'
import { type Caller, nameOf, whoIs } from '../../../director/authority/who.ts'
import { directorProblem, fleetNameOf, identityOf, isName, uriOf } from '../../../shared/pki/names.ts'
import { fingerprintOf, formatToken, newSecret, parseToken } from '../../../shared/pki/token.ts'

const host = { fleet: 'f1', role: 'host', name: 'rs1' } as const
const director = { fleet: 'f1', role: 'director', name: 'd1' } as const
const issued = { valid_from: 'Nov 28 16:26:25 2026 GMT' }
const san = (...names: string[]) => ({ subjectaltname: names.join(', '), subject: { CN: 'cn' }, ...issued })

test('a role is one URI, and nothing else is one', t => {
  t.deepEqual(fleetNameOf(uriOf(host)), host)
  t.deepEqual(identityOf(san(`URI:${uriOf(host)}`, 'DNS:other')), { role: host, names: ['rs1'] })
  for (const uri of [
    'spiffe://f1/host/',
    'spiffe://f1/host/a/b',
    'spiffe://F1/host/a',
    'spiffe://f1/guest/a',
    'spiffe://f1/host/..',
    'spiffe://f1/host/a%2fb',
  ])
    t.is(fleetNameOf(uri), undefined, uri)
  t.deepEqual(identityOf(san(`URI:${uriOf(host)}`, `URI:${uriOf(director)}`)).names, [], 'two roles are none')
})

test('without a role a certificate names its holder by DNS name, else by common name', t => {
  t.deepEqual(identityOf(san('DNS:rs1', 'IP Address:10.0.0.1', 'DNS:rs1.example.com')).names, [
    'rs1',
    'rs1.example.com',
  ])
  t.deepEqual(identityOf({ subject: { CN: 'rs1' } }).names, ['rs1'])
  t.deepEqual(identityOf({ subject: { CN: ['a', 'b'] } }).names, [])
  // What looks like a second name is part of one (CVE-2021-44532).
  t.deepEqual(identityOf(san('DNS:"x, DNS:rs2"')).names, ['x, DNS:rs2'])
  t.is(identityOf(san(`DNS:"x, URI:${uriOf(host)}"`)).role, undefined)
})

test('names that a certificate can state', t => {
  for (const name of ['rs1', 'rs-1.example.com', 'A_b', 'x'.repeat(253)]) t.true(isName(name), name)
  for (const name of ['', '.', '..', 'a/b', 'a b', 'ä', 'x'.repeat(254)]) t.false(isName(name), name)
})

test('a token is read back, and any other text is none', t => {
  const token = { secret: newSecret(), fingerprint: fingerprintOf(Buffer.from('ca')) }
  t.deepEqual(parseToken(formatToken(token)), token)
  const text = formatToken(token)
  for (const other of ['', text.slice(1), `${text}x`, text.replace('cp1', 'cp2'), text.replaceAll('.', ' ')])
    t.is(parseToken(other), undefined)
  t.not(newSecret(), newSecret())
})

const nobodyRevoked = () => undefined
const ours = { tls: true, own: director, revokedAt: nobodyRevoked }

test('who dials in is a host of the fleet, and nobody else', t => {
  t.deepEqual(whoIs(san(`URI:${uriOf(host)}`), '10.0.0.1', ours).names, ['rs1'])
  t.is(whoIs(undefined, '10.0.0.1', { ...ours, tls: false }).names, undefined, 'in the clear')
  const refused = (certificate: Parameters<typeof whoIs>[0], reason: RegExp, register = ours) =>
    t.throws(() => whoIs(certificate, '10.0.0.1', register), { code: 'IDENTITY_REFUSED', message: reason })
  refused(undefined, /10\.0\.0\.1 has no certificate/)
  refused(san(`URI:${uriOf(director)}`), /10\.0\.0\.1 has the certificate of director d1, and not a host's/)
  refused(san(`URI:${uriOf({ ...host, fleet: 'f2' })}`), /no certificate of fleet f1/)
  refused(san('DNS:rs1'), /no certificate of fleet f1/)
  const existing = { tls: true, own: undefined, revokedAt: nobodyRevoked }
  t.deepEqual(whoIs(san('DNS:rs1', 'DNS:rs1.example.com'), '', existing).names, ['rs1', 'rs1.example.com'])
  t.throws(() => whoIs(san(`URI:${uriOf(director)}`), '', existing), { code: 'IDENTITY_REFUSED' })
  t.throws(() => whoIs({ ...issued }, '', existing), { message: /names no host/ })
})

test('a revoked host is nobody, until it has a certificate that was issued later', t => {
  const at = Date.parse(issued.valid_from)
  const register = (revoked: number) => ({
    tls: true,
    own: director,
    revokedAt: (id: string) => (id === 'rs1' ? revoked : undefined),
  })
  const certificate = san(`URI:${uriOf(host)}`)
  t.throws(() => whoIs(certificate, '', register(at + 5000)), { message: /"rs1" that was revoked at 2026/ })
  t.throws(() => whoIs(certificate, '', register(at + 999)), { message: /revoked/ }, 'in the same second')
  t.notThrows(() => whoIs(certificate, '', register(at - 1)))
  t.notThrows(() => whoIs(san(`URI:${uriOf({ ...host, name: 'rs2' })}`), '', register(at + 5000)))
  t.throws(() => whoIs(san('DNS:rs1'), '', { ...register(at + 5000), own: undefined }), {
    message: /it is valid from 2026-11-28T16:26:25\.000Z \(notBefore\), and would have to be from later on$/,
  })
  t.throws(() => whoIs({ ...certificate, valid_from: 'no date' }, '', register(at)), { message: /revoked/ })
})

test('a host registers itself, and no other', t => {
  const caller: Caller = { names: ['rs1', 'rs1.example.com'], address: '10.0.0.1' }
  t.is(nameOf(caller, 'rs1.example.com'), 'rs1.example.com')
  t.is(nameOf({ ...caller, names: undefined }, 'rs9'), undefined)
  t.throws(() => nameOf(caller, 'rs2'), {
    code: 'HOST_NAME_MISMATCH',
    message: /registers as host "rs2" with the certificate of "rs1", "rs1\.example\.com": set hostId: rs1 there/,
  })
})

test('who is dialled is a director of the own fleet; in a PKI without roles its address has to be in its certificate', t => {
  const [d1, rs1, plain] = [director, host, undefined].map(role => ({ role, names: [] }))
  t.is(directorProblem(host, d1!), undefined)
  t.is(directorProblem(undefined, plain!), undefined)
  t.regex(directorProblem(host, rs1!) ?? '', /that of host rs1, and not a director's/)
  t.regex(directorProblem(undefined, rs1!) ?? '', /not a director's/)
  t.regex(directorProblem(host, plain!) ?? '', /not one of fleet f1/)
  t.regex(directorProblem({ ...host, fleet: 'f2' }, d1!) ?? '', /of fleet f1, not of f2/)
})
