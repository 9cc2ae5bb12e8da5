import test from 'ava'
import { createCompanions } from '../../../director/companions.ts'
import { createServiceOutlets } from '../../../director/outlets/outlets.ts'
import type { CompanionChange, Intent } from '../../../director/outlets/types.ts'
import type { PlannedService } from '../../../director/plan/plan.ts'
import { createRemovals } from '../../../shared/run/removals.ts'
import { memoryLog } from '../run/memory-log.ts'

const service = (key: string) => ({ service: { key }, compiled: { vip: key } }) as unknown as PlannedService
const selection = (...keys: string[]) => ({
  services: keys.map(key => service(key).service),
  compiled: keys.map(key => service(key).compiled),
})
const intent = (altered: string[], tornDown = false) =>
  ({ plan: selection('a', 'b'), altered: selection(...altered), tornDown }) as unknown as Intent

test('outlets are told in order, each of what it has not taken; after a failure an outlet is told of all; what is back is not told as gone', t => {
  const removals = createRemovals<PlannedService>()
  const log = memoryLog()
  const outlets = createServiceOutlets<Intent>(removals, log)
  const told: string[] = []
  let failing = true
  const take =
    (name: string) =>
    ({ altered }: Intent, { services }: ReturnType<typeof selection>) => {
      told.push(`${name} ${altered.services.map(({ key }) => key)} ${services.map(({ key }) => key)}`)
      if (name === 'one' && failing) throw new Error('it fails')
    }
  outlets.plug({ name: 'one', take: take('one') })
  const unplug = outlets.plug({ name: 'two', take: take('two') })
  removals.put('a', service('a'))
  removals.put('b', service('b'))
  t.like(outlets.tell(intent(['a'])), [{ message: 'it fails' }])
  t.like(log.lines, [{ level: 'warn', message: 'one: the result of a pass could not be taken' }])
  removals.back('a')
  failing = false
  unplug()
  outlets.tell(intent(['a']))
  t.deepEqual(outlets.tell(intent([])), [])
  t.deepEqual(told, ['one a,b a,b', 'two a,b a,b', 'one a,b b', 'one  '])
  removals.put('c', service('c'))
  outlets.tell(intent([]))
  t.false(removals.has('c'), 'nobody waits for an outlet that was removed')
})

test('each companion hears of what is gone until it has brought it about; one that fails stops no other', async t => {
  const removals = createRemovals<PlannedService>()
  const log = memoryLog()
  const companions = createCompanions(removals, log)
  const changes: CompanionChange[] = []
  let failing = true
  const withdrawn: string[] = []
  companions.plug({
    name: 'first',
    ensure: async () => {
      if (failing) throw new Error('the database is away')
    },
    withdraw: async () => {
      withdrawn.push('first')
      throw new Error('it is away still')
    },
  })
  companions.plug({
    name: 'second',
    ensure: async change => void changes.push(change),
    withdraw: async () => withdrawn.push('second'),
  })
  removals.put('c', service('c'))
  t.like(await companions.ensure(intent(['a'])), [{ message: 'the database is away' }])
  t.true(removals.has('c'), 'the first has not brought it about')
  t.like(log.lines, [{ level: 'warn', message: 'first: the switch could not be prepared or cleared' }])
  failing = false
  t.deepEqual(await companions.ensure(intent(['a', 'b'])), [])
  t.false(removals.has('c'))
  t.deepEqual(await companions.ensure(intent([])), [])
  t.deepEqual(await companions.ensure(intent([], true)), [])
  const vips = ({ altered, gone }: CompanionChange) => [altered, gone].map(list => list.map(({ vip }) => vip).join())
  t.deepEqual(changes.map(vips), [
    ['a', 'c'],
    ['a,b', ''],
    ['', ''],
    ['', 'a,b'],
  ])
  await t.throwsAsync(companions.withdraw(), { message: 'it is away still' })
  t.deepEqual(withdrawn, ['first', 'second'])
})
