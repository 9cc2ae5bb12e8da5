import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:tls'
import test from 'ava'
import type { House } from '../../../director/house.ts'
import { joining } from '../../../director/parts/joining.ts'
import { onNewCertificate } from '../../../director/parts/reload.ts'
import type { CrossportError } from '../../../shared/errors.ts'
import { writeWhole } from '../../../shared/identity/files.ts'
import { type CertificateState, keepCertificate } from '../../../shared/identity/keeper.ts'
import { readOwn } from '../../../shared/identity/own.ts'
import { createCell } from '../../../shared/run/cell.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { fakeClock } from '../run/fake-clock.ts'
import { memoryLog } from '../run/memory-log.ts'
import { DAY, fleet } from './fleet.ts'

const shownAt = (port: number) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      resolve(socket.getPeerX509Certificate()!.serialNumber)
      socket.destroy()
    })
  })

for (const damaged of ['director.pem', 'ca.crt'])
  test(`a director whose ${damaged} is damaged while it runs lets hosts join with what it has read before`, async t => {
    const { pki, book, director: tls, certificate } = await fleet(t)
    const clock = fakeClock()
    const log = memoryLog()
    const keeper = keepCertificate({ files: tls, renew: undefined, log, clock: { ...clock, wall: () => new Date() } })
    t.teardown(keeper.stop)
    const cell = createCell<CertificateState | undefined>(keeper.state.get())
    keeper.state.subscribe(() => cell.set(keeper.state.get()))
    const cells = { certificate: cell, agents: createCell({ address: '127.0.0.1:7473' }) }
    const config = { joinListen: '127.0.0.1:0', pki, certificateLifetime: DAY }
    const house = { config, cells, book, protection: { tls }, log, clock: systemClock } as unknown as House
    const stop = await joining(house)
    t.teardown(() => stop?.())
    const { listen } = log.lines.find(({ message }) => message === 'hosts may join') as unknown as { listen: string }
    const port = Number(listen.split(':')[1])
    const before = await shownAt(port)
    writeFileSync(`${pki}/${damaged}`, '-----BEGIN CERTIFICATE-----\nAAAA\n')
    await clock.advance(10_000)
    t.regex(cell.get()?.unusable ?? '', new RegExp(`${damaged} holds no certificate`))
    t.is(await shownAt(port), before)
    if (damaged === 'ca.crt') return
    writeWhole(tls.cert, readFileSync((await certificate('director', 'd1')).cert, 'utf8'), 0o600)
    await clock.advance(10_000)
    t.not(await shownAt(port), before)
  })

test('a reload that fails is logged, and ends nothing', async t => {
  const { director } = await fleet(t)
  const log = memoryLog()
  const state = { own: readOwn(director), unusable: undefined, notRenewed: undefined, ending: undefined }
  const certificate = createCell<CertificateState | undefined>(state)
  onNewCertificate({ cells: { certificate }, log } as unknown as House, () => {
    throw new Error('too late')
  })
  t.notThrows(() => certificate.set({ ...state, notRenewed: 'x' }))
  t.is((log.lines[0]?.err as CrossportError | undefined)?.code, 'RPC_TLS')
})

test('a file with a damaged certificate behind the first is found, and named', async t => {
  const { director } = await fleet(t)
  const rest = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
  writeFileSync(director.cert, readFileSync(director.cert, 'utf8') + rest)
  t.throws(() => readOwn(director), { code: 'RPC_TLS', message: /director\.pem is damaged: / })
})
