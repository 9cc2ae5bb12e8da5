import test from 'ava'
import { createCompanions } from '../../../director/outlets/companions.ts'
import { createOutlets } from '../../../director/outlets/outlets.ts'
import type { CompanionChange, Intent } from '../../../director/outlets/types.ts'
import type { PlannedService } from '../../../director/plan/plan.ts'
import { createRemovals } from '../../../shared/run/removals.ts'

const service = (key: string) => ({ service: { key }, compiled: { vip: key } }) as unknown as PlannedService
const selection = (...keys: string[]) => ({
  services: keys.map(key => service(key).service),
  compiled: keys.map(key => service(key).compiled),
})
const intent = (altered: string[], tornDown = false) =>
  ({ plan: selection('a', 'b'), altered: selection(...altered), tornDown }) as unknown as Intent

test('outlets are told in order, each of what it has not taken; what is back is not told as gone', t => {
  const removals = createRemovals<PlannedService>()
  const outlets = createOutlets<number>(removals)
  const told: string[] = []
  let failing = true
  const take =
    (name: string) =>
    (result: number, { services }: ReturnType<typeof selection>) => {
      told.push(`${name} ${result} ${services.map(({ key }) => key)}`)
      if (name === 'one' && failing) throw new Error('it fails')
    }
  outlets.plug({ name: 'one', take: take('one') })
  const unplug = outlets.plug({ name: 'two', take: take('two') })
  removals.put('a', service('a'))
  removals.put('b', service('b'))
  t.throws(() => outlets.tell(1), { message: 'it fails' })
  removals.back('a')
  failing = false
  unplug()
  outlets.tell(2)
  outlets.tell(3)
  t.deepEqual(told, ['one 1 a,b', 'two 1 a,b', 'one 2 b', 'one 3 '])
})

test('companions hear of what is gone until all have brought it about; the first failure is handed back', async t => {
  const removals = createRemovals<PlannedService>()
  const companions = createCompanions(removals)
  const changes: CompanionChange[] = []
  let failing = true
  const withdrawn: string[] = []
  companions.plug({
    name: 'first',
    ensure: async () => {
      if (failing) throw new Error('the database is away')
    },
    withdraw: async () => withdrawn.push('first'),
  })
  companions.plug({
    name: 'second',
    ensure: async change => void changes.push(change),
    withdraw: async () => withdrawn.push('second'),
  })
  removals.put('c', service('c'))
  t.like(await companions.ensure(intent(['a'])), { error: { message: 'the database is away' } })
  t.deepEqual(changes, [])
  failing = false
  t.is(await companions.ensure(intent(['a', 'b'])), undefined)
  t.is(await companions.ensure(intent([])), undefined)
  t.is(await companions.ensure(intent([], true)), undefined)
  const vips = ({ altered, gone }: CompanionChange) => [altered, gone].map(list => list.map(({ vip }) => vip).join())
  t.deepEqual(changes.map(vips), [
    ['a,b', 'c'],
    ['', ''],
    ['', 'a,b'],
  ])
  await companions.withdraw()
  t.deepEqual(withdrawn, ['first', 'second'])
})
