import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ANYTHING } from '../../../agent/authority/judge.ts'
import { createCells } from '../../../agent/cells.ts'
import { initialInputs } from '../../../agent/inputs.ts'
import { NO_OUTCOME } from '../../../agent/outcome.ts'
import { createRegistrationOutlet } from '../../../agent/outlets/registration.ts'
import { standingsOf } from '../../../agent/outlets/standings.ts'
import { NO_REPORTS } from '../../../agent/report/reports.ts'
import { createServices } from '../../../agent/stations/services.ts'
import { openStore } from '../../../agent/store/store.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { createTimeline } from '../../../shared/run/timeline.ts'
import { tempDir } from '../cleanup.ts'
import { offer, recorder, startDirector } from '../report/ends.ts'
import { memoryLog } from '../run/memory-log.ts'

const WEB = 'service: web\nvip: 10.10.1.100\nport: 80\nrealServers: [{vm: web-1, port: 8080}]\n'
const H = '02:00:00:00:00:20'

/** A host's streams with its directors, and the cells that the rest of the agent would write. */
function startHost(t: ExecutionContext, director: readonly string[]) {
  const store = openStore(join(tempDir(t), 'agent.db'))
  const cells = createCells(initialInputs(store, director, undefined))
  const outlet = createRegistrationOutlet({
    config: { hostId: 'rs1', director: [...director] },
    version: '1',
    bootId: '',
    runId: '',
    cells,
    timeline: createTimeline(systemClock),
    log: memoryLog(),
    clock: systemClock,
  })
  const stop = cells.outcome.subscribe(() => outlet.take(cells.outcome.get()))
  t.teardown(async () => {
    stop()
    await outlet.close()
    store.close()
  })
  const pass = (hostMac: string, reports = { ...NO_REPORTS }) => {
    cells.reports.set(reports)
    cells.outcome.set({ ...NO_OUTCOME, hostMac })
  }
  return { cells, pass }
}

/** The first state of the cell, now or later, that fits. */
const until = (cell: { get(): unknown; subscribe(f: () => void): () => void }, fits: () => boolean) =>
  new Promise<void>(resolve => {
    const look = () => {
      if (!fits()) return
      stop()
      resolve()
    }
    const stop = cell.subscribe(look)
    look()
  })

test('a host’s MAC and its address in the underlay are told anew when they change', async t => {
  const heard = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard, { addressed: true })
  t.teardown(() => director.close())
  director.setOffer(offer())
  const { cells, pass } = startHost(t, [director.address])
  cells.inputs.hostIp.set('172.24.1.20')
  pass(H)
  t.is(await heard.until(/^address/), 'address 172.24.1.20')
  t.is(await heard.until(/^registered/), `registered rs1 ${H} `)
  pass('02:00:00:00:00:21')
  t.is(await heard.until(/^registered/), 'registered rs1 02:00:00:00:00:21 ')
  cells.inputs.hostIp.set('172.24.1.21')
  t.is(await heard.until(/^address/), 'address 172.24.1.21')
})

test('nobody is dialled before there are reports, and reports of an earlier pass are not told again', async t => {
  const heard = recorder()
  const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard)
  t.teardown(() => director.close())
  director.setOffer(offer())
  const { cells, pass } = startHost(t, [director.address])
  pass('02:00:00:00:00:21', NO_REPORTS)
  pass(H)
  t.is(await heard.until(/^registered/), `registered rs1 ${H} `)
  pass('02:00:00:00:00:22', cells.reports.get())
  pass('02:00:00:00:00:23')
  t.is(await heard.until(/^registered/), 'registered rs1 02:00:00:00:00:23 ')
})

test('a director of an overlay refuses a host that cannot be sent to; on an l2 fabric it need not', async t => {
  for (const [addressed, hostIp] of [
    [true, ''],
    [true, '0.0.0.0'],
    [true, '127.0.0.1'],
    [false, ''],
  ] as const) {
    const heard = recorder()
    const director = await startDirector(`unix:${join(tempDir(t), 'd.sock')}`, heard, { addressed })
    t.teardown(() => director.close())
    director.setOffer(offer())
    const { cells, pass } = startHost(t, [director.address])
    if (hostIp !== '') cells.inputs.hostIp.set(hostIp)
    pass(H)
    if (!addressed) {
      t.regex(await heard.until(/^registered/), /^registered rs1/)
      continue
    }
    const standing = () =>
      standingsOf([director.address], cells.registrations.get(), { directors: cells.inputs.directors.get() })[0]
    await until(cells.registrations, () => standing()?.state === 'refused')
    t.is(standing()?.problem?.code, 'REGISTRATION_INVALID')
    t.true(standing()?.detail.includes(`host IP "${hostIp}" is not valid`))
    t.deepEqual([...director.connected], [])
  }
})

test('of two directors one has no files: what the other has stays in force, and each has a state of its own', async t => {
  const [a, b] = await Promise.all(
    ['a', 'b'].map(name => startDirector(`unix:${join(tempDir(t), `${name}.sock`)}`, recorder())),
  )
  const [full, empty] = [a!, b!]
  t.teardown(() => full.close())
  const { cells, pass } = startHost(t, [full.address, empty.address])
  const services = createServices({ services: () => [], contested: () => ({}) })
  const inForce = () =>
    services(
      { services: cells.inputs.services.get(), documents: cells.inputs.documents.get(), withdrawn: false },
      ANYTHING,
    )
      .specs.map(({ service }) => service)
      .join()
  full.setOffer(offer({ directorId: 'a' }, [WEB]))
  pass(H)
  await until(cells.inputs.documents, () => inForce() === 'web')
  t.false(cells.inputs.documents.get().heard, 'what the other one has is not known yet')
  empty.setOffer(offer({ directorId: 'b', directorMac: '02:00:00:00:01:01' }))
  await until(cells.inputs.documents, () => cells.inputs.documents.get().byDirector.size === 2)
  t.is(inForce(), 'web')
  t.true(cells.inputs.documents.get().heard)
  const { active, all } = cells.inputs.directors.get()
  t.is(active?.id, 'a')
  t.deepEqual(
    [...all.values()].map(({ id }) => id),
    ['a', 'b'],
  )

  const standings = () =>
    standingsOf([full.address, empty.address], cells.registrations.get(), { directors: cells.inputs.directors.get() })
  await until(cells.registrations, () => standings().every(({ state }) => state === 'registered'))
  await empty.close()
  await until(cells.registrations, () => standings().some(({ state }) => state === 'disconnected'))
  t.deepEqual(
    standings().map(({ name, state, problem }) => [name, state, problem?.code]),
    [
      [`director ${full.address}`, 'registered', undefined],
      [`director ${empty.address}`, 'disconnected', 'REPORT_DISCONNECTED'],
    ],
  )
  t.is(inForce(), 'web')
})
