import { readFileSync, writeFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import type { CrossportError } from '../../../shared/errors.ts'
import { writeWhole } from '../../../shared/identity/files.ts'
import { keepCertificate } from '../../../shared/identity/keeper.ts'
import { requestedKey } from '../../../shared/pki/certificates.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { DAY, fleet } from './fleet.ts'

/** A host's certificate of 100 days, `age` days old, kept by a clock that the test drives. */
async function scene(t: ExecutionContext, age: number, renewal: 'works' | 'fails' | 'none') {
  const { certificate, issuer, ...made } = await fleet(t)
  const began = Date.now() - age * DAY
  const validity = { notBefore: new Date(began), notAfter: new Date(began + 100 * DAY) }
  const files = await certificate('host', 'rs1', validity)
  const fake = fakeClock()
  const clock: Clock = { ...fake, wall: () => new Date(began + age * DAY + fake.now()) }
  const log = memoryLog()
  const asked: string[] = []
  const renew = async (request: string) => {
    asked.push(request)
    if (renewal === 'fails') throw new Error('no director answers')
    const now = clock.wall().getTime()
    const fresh = { notBefore: new Date(now), notAfter: new Date(now + 100 * DAY) }
    return issuer.issue('host', 'rs1', request, fresh)
  }
  const keeper = keepCertificate({ files, renew: renewal === 'none' ? undefined : renew, log, clock })
  t.teardown(keeper.stop)
  const codes = () => log.lines.flatMap(({ err }) => (err as CrossportError | undefined)?.code ?? [])
  /** Real work goes on between looks: keys are made, and files written. */
  const until = async (reached: () => boolean) => {
    while (!reached()) {
      await new Promise(resolve => setTimeout(resolve, 5))
      await fake.advance(10_000)
    }
  }
  return {
    ...made,
    issuer,
    files,
    keeper,
    log,
    clock: fake,
    asked,
    codes,
    until,
    certificate,
    state: () => keeper.state.get(),
  }
}

test('in the first half of its life a certificate is left alone', async t => {
  const { clock, asked, state, codes } = await scene(t, 49, 'works')
  await clock.advance(60_000)
  t.deepEqual(asked, [])
  t.is(state().ending, undefined)
  t.deepEqual(codes(), [])
})

test('from half of its life on a certificate is renewed, with a new key, and read anew', async t => {
  const { files, state, asked, until, codes } = await scene(t, 51, 'works')
  const [before, pair] = [state().own, readFileSync(files.cert, 'utf8')]
  await until(() => state().own !== before)
  t.is(asked.length, 1)
  t.true(state().own.notAfter > before.notAfter)
  t.deepEqual(state().own.identity, before.identity)
  t.not(readFileSync(files.cert, 'utf8').split('CERTIFICATE')[0], pair.split('CERTIFICATE')[0])
  t.notThrows(() => requestedKey(asked[0]!))
  t.deepEqual(codes(), [])
})

test('one that cannot be renewed is tried again, and warned of when a third of its life is left', async t => {
  const { clock, state, asked, until, codes } = await scene(t, 60, 'fails')
  await until(() => state().notRenewed !== undefined)
  t.is(state().notRenewed, 'no director answers')
  t.is(state().ending, undefined)
  await until(() => asked.length === 2)
  await clock.advance(7 * DAY)
  t.regex(state().ending ?? '', /^the certificate ends at 20.*Z; nobody connects from then on$/)
  t.deepEqual([...new Set(codes())].sort(), ['CERTIFICATE_ENDING', 'RENEWAL_FAILED'])
  t.is(codes().filter(code => code === 'CERTIFICATE_ENDING').length, 1, 'said once')
})

test('a certificate that ends soon is told of at the start', async t => {
  const { state, codes } = await scene(t, 70, 'none')
  t.regex(state().ending ?? '', /ends at/)
  t.deepEqual(codes(), ['CERTIFICATE_ENDING'])
})

test('files that are replaced are read anew; those that cannot be used are told of, and the ones before stay', async t => {
  const { files, state, certificate, clock, codes } = await scene(t, 1, 'none')
  const before = state().own
  const other = await certificate('host', 'rs1')
  const next = readFileSync(other.cert, 'utf8')
  writeFileSync(files.cert, next.replace(/CERTIFICATE-----[\s\S]{40}/, 'CERTIFICATE-----\nAAAA'))
  await clock.advance(10_000)
  t.regex(state().unusable ?? '', /holds no certificate/)
  t.is(state().own, before)
  t.deepEqual(codes(), ['RPC_TLS'])
  writeWhole(files.cert, next, 0o600)
  await clock.advance(10_000)
  t.is(state().unusable, undefined)
  t.not(state().own, before)
})

test('a key of another certificate is no pair', async t => {
  const { certificate } = await fleet(t)
  const [a, b] = [await certificate('host', 'a'), await certificate('host', 'b')]
  const keep = (files: typeof a) => keepCertificate({ files, renew: undefined, log: memoryLog(), clock: fakeClock() })
  t.throws(() => keep({ ...a, key: b.key }), { code: 'RPC_TLS', message: /is not the key of/ })
  t.throws(() => keep({ ...a, cert: '/nowhere' }), { code: 'RPC_TLS', message: 'cannot read /nowhere' })
})
