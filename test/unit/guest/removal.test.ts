import test from 'ava'
import fc from 'fast-check'
import { insertedIn, insertionOf, withoutInsertion } from '../../../agent/guest/edits.ts'
import { bench, memoryRecords, target } from './helpers.ts'
import { guestOf, MANAGERS } from './managers.ts'
import type { Fate, ModelGuest } from './model-guest.ts'

const VIPS = ['10.99.0.11', '10.99.0.12', 'fd99::11']
const MANAGER = fc.constantFrom(...(Object.keys(MANAGERS) as (keyof typeof MANAGERS)[]))

const step = fc.oneof(
  fc.record({ do: fc.constant('want' as const), vips: fc.subarray(VIPS) }),
  fc.record({ do: fc.constantFrom('crash' as const, 'off' as const, 'pass' as const) }),
  fc.record({
    do: fc.constant('fates' as const),
    fates: fc.array(fc.constantFrom<Fate>('answer', 'answer', 'answer', 'lost', 'dead'), { maxLength: 40 }),
  }),
)

const configuration = (guest: ModelGuest) => ({
  files: [...guest.files].sort(),
  attributes: [...guest.files.keys()].map(path => guest.attributesOf(path)),
  folders: [...guest.folders].sort(),
})

test('for every manager, after any sequence of services, crashes, lost answers and outages, a guest that serves nothing is what it was', async t => {
  await fc.assert(
    fc.asyncProperty(MANAGER, fc.array(step, { maxLength: 8 }), async (manager, steps) => {
      const guest = guestOf(MANAGERS[manager])
      const before = configuration(guest)
      const records = memoryRecords()
      let vips: readonly string[] = []
      let running = true
      let b = bench(guest.call, records)
      // What the targets are of VMs of which there are records (targets.ts).
      const set = () => b.manager.set([target({ vips, running })])
      for (const step of steps) {
        if (step.do === 'want') {
          vips = step.vips
          set()
        } else if (step.do === 'crash') {
          await b.pass(75)
          await b.manager.close()
          b = bench(guest.call, records)
          set()
        } else if (step.do === 'off') {
          running = !running
          set()
        } else if (step.do === 'fates') {
          const fates = [...step.fates]
          guest.fate = () => fates.shift() ?? 'answer'
        } else await b.pass(900)
      }
      guest.fate = () => 'answer'
      running = true
      vips = []
      set()
      await b.pass(70_000)
      await b.manager.close()
      t.deepEqual(configuration(guest), before, manager)
      t.deepEqual(
        guest.addresses.map(a => a.ip),
        guest.own,
      )
      t.deepEqual(records.list(), [])
    }),
    { numRuns: 80 },
  )
})

for (const manager of Object.keys(MANAGERS) as (keyof typeof MANAGERS)[])
  test(`${manager}: what the owner has edited since is left, and the rest goes`, async t => {
    const guest = guestOf(MANAGERS[manager])
    const before = new Map(guest.files)
    const b = bench(guest.call)
    b.manager.set([target({ vips: VIPS.slice(0, 2) })])
    await b.pass()
    const changed = [...guest.files].filter(([path, text]) => before.get(path) !== text)
    t.is(changed.length > 0, manager !== 'connman')
    t.is(b.vip(VIPS[0])?.code, manager === 'connman' ? 'GUEST_NO_PERSISTENCE' : undefined)
    const [edited = '', text = ''] = changed[0] ?? []
    const theirs = `# mine\n${text.replace('10.99.0.11', '10.99.0.111')}`
    if (edited !== '') guest.files.set(edited, theirs)
    await b.pass(65_000)
    b.manager.set([target({ vips: [] })])
    await b.pass()
    if (edited !== '') t.regex(guest.files.get(edited) ?? '', /^# mine\n/)
    const others = [...guest.files].filter(([path]) => path !== edited)
    t.deepEqual(
      others,
      [...before].filter(([path]) => path !== edited),
    )
    t.deepEqual(b.records.list(), [])
    await b.manager.close()
  })

test('a NIC that gets another owner: what the first has kept goes, the second keeps it', async t => {
  const guest = guestOf(MANAGERS.ifupdown)
  const b = bench(guest.call)
  b.manager.set([target({ vips: VIPS })])
  await b.pass()
  t.is([...guest.files.keys()].filter(path => path.startsWith('/etc/network/if-up.d/crossport-')).length, 3)
  const next = MANAGERS.networkd
  for (const [path, text] of Object.entries(next.files)) guest.files.set(path, text)
  const there = new Set(guest.files.keys())
  await b.pass(900_000)
  const mine = [...guest.files.keys()].filter(path => path.includes('crossport'))
  t.is(mine.length, 3)
  t.true(mine.every(path => path.startsWith('/etc/systemd/network/20-lan.network.d/')))
  t.false(mine.some(path => there.has(path)))
  t.deepEqual(
    b.records
      .list()
      .flatMap(({ edits }) => edits.map(edit => edit.path))
      .sort(),
    mine.sort(),
  )
  await b.manager.close()
})

test('a manager that is away for a moment loses nothing to another', async t => {
  const guest = guestOf({
    files: { ...MANAGERS['network-scripts-by-network-manager'].files },
    programs: MANAGERS['network-scripts-by-network-manager'].programs,
  })
  const b = bench(guest.call)
  b.manager.set([target({ vips: VIPS.slice(0, 1) })])
  await b.pass(650_000)
  const { length } = guest.trace
  const { programs } = guest
  guest.programs = new Map()
  await b.pass(30_000)
  guest.programs = programs
  await b.pass(700_000)
  t.is(guest.trace.length, length)
  await b.manager.close()
})

for (const manager of Object.keys(MANAGERS) as (keyof typeof MANAGERS)[]) {
  test(`${manager}: records lost, what is ours in the guest says so, and goes with the service`, async t => {
    const guest = guestOf(MANAGERS[manager])
    const before = configuration(guest)
    const first = bench(guest.call)
    first.manager.set([target({ vips: VIPS })])
    await first.pass()
    await first.manager.close()
    const b = bench(guest.call)
    b.manager.set([target({ vips: VIPS })])
    await b.pass()
    b.manager.set([target({ vips: [] })])
    await b.pass()
    t.deepEqual(configuration(guest).files, before.files)
    await b.manager.close()
  })

  test(`${manager}: a disk that is full or read-only costs the reboot's persistence, and no more`, async t => {
    const guest = guestOf(MANAGERS[manager])
    const before = configuration(guest)
    for (const program of ['sh', 'mkdir']) guest.failing.set(program, `${program}: Read-only file system`)
    const b = bench(guest.call)
    b.manager.set([target({ vips: VIPS.slice(0, 1) })])
    await b.pass()
    t.like(b.vip(VIPS[0]), { state: 'set', code: 'GUEST_NO_PERSISTENCE' })
    if (manager !== 'connman') t.regex(b.vip(VIPS[0])?.reason ?? '', /Read-only file system/)
    guest.failing.clear()
    await b.pass(65_000)
    t.is(b.vip(VIPS[0])?.code, manager === 'connman' ? 'GUEST_NO_PERSISTENCE' : undefined)
    b.manager.set([target({ vips: [] })])
    await b.pass()
    t.deepEqual(configuration(guest), before)
    await b.manager.close()
  })
}

test('a link, or a pipe, where our file belongs is neither read nor written nor removed', async t => {
  const guest = guestOf(MANAGERS.ifupdown)
  const path = '/etc/network/if-up.d/crossport-eth0-10-99-0-11'
  guest.files.set(path, 'secret')
  guest.others.add(path)
  const opened: unknown[] = []
  guest.before = (command, args) => void (command === 'guest-file-open' && opened.push(args.path))
  const b = bench(guest.call)
  b.manager.set([target({ vips: VIPS.slice(0, 1) })])
  await b.pass()
  t.like(b.vip(VIPS[0]), { state: 'set', code: 'GUEST_FILE_FOREIGN' })
  b.manager.set([target({ vips: [] })])
  await b.pass()
  t.is(guest.files.get(path), 'secret')
  t.false(opened.includes(path))
  await b.manager.close()
})

test("lines in the owner's file: taken out in any order, they leave the bytes of before", t => {
  const vips = ['1.2.3.4', '1.2.3.5', '1.2.3.6']
  fc.assert(
    fc.property(fc.string(), fc.shuffledSubarray(vips, { minLength: 3 }), (before, order) => {
      const inserted = new Map<string, string>()
      let content = before
      for (const vip of vips) {
        inserted.set(vip, insertionOf(content, vip, `IPADDR_cp='${vip}'\n`))
        content += inserted.get(vip)
        t.is(insertedIn(content, vip, `IPADDR_cp='${vip}'\n`), inserted.get(vip))
      }
      for (const vip of order) content = withoutInsertion(content, inserted.get(vip) ?? '') ?? 'edited'
      t.is(content, before)
    }),
  )
  t.is(withoutInsertion('ab', 'c'), undefined)
  t.is(withoutInsertion('xyxy', 'xy'), undefined)
})
