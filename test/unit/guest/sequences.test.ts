import test from 'ava'
import fc from 'fast-check'
import { bench, memoryRecords, target } from './helpers.ts'
import { type Fate, ModelGuest } from './model-guest.ts'

const FOLDER = '/etc/sysconfig/network-scripts'
const VIPS = ['10.10.1.100', '10.10.1.101', '10.10.1.102']

type Step =
  | { readonly do: 'want'; readonly vips: readonly string[] }
  | { readonly do: 'reboot' | 'crash' | 'freeze' | 'thaw' | 'pass' | 'takeOff' }
  | { readonly do: 'fates'; readonly fates: readonly Fate[] }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('want' as const), vips: fc.subarray(VIPS) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('reboot', 'crash', 'freeze', 'thaw', 'pass', 'takeOff') }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fates' as const),
      fates: fc.array(fc.constantFrom<Fate>('answer', 'answer', 'answer', 'lost', 'dead'), { maxLength: 30 }),
    }),
  },
) as fc.Arbitrary<Step>

/**
 * After any events in any order (lost answers, the agent killed at any command, reboots, freezes, removed addresses) and a quiet
 * time, the guest has its own address, the VIPs wanted last, their files, and nothing else of ours.
 */
test('every sequence ends in the same state', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.subarray(VIPS), async (steps, wanted) => {
      const guest = new ModelGuest()
      const foreign = `${FOLDER}/ifcfg-eth0:1`
      guest.files.set(foreign, 'DEVICE=eth0:1\nIPADDR=192.0.2.8\n')
      guest.reboot()
      const records = memoryRecords()
      let runId = 1
      let vips: readonly string[] = []
      let b = bench(guest.call, records)
      const set = () => b.manager.set([target({ runId, vips })])

      for (const step of steps) {
        if (step.do === 'want') {
          vips = step.vips
          set()
        } else if (step.do === 'reboot') {
          guest.reboot()
          runId++
          set()
        } else if (step.do === 'crash') {
          await b.pass(50)
          await b.manager.close()
          b = bench(guest.call, records)
          set()
        } else if (step.do === 'fates') {
          const fates = [...step.fates]
          guest.fate = () => fates.shift() ?? 'answer'
        } else if (step.do === 'takeOff') guest.addresses = guest.addresses.slice(0, 2)
        else if (step.do === 'pass') await b.pass(700)
        else guest.frozen = step.do === 'freeze'
      }

      guest.fate = () => 'answer'
      guest.frozen = false
      vips = wanted
      set()
      await b.pass(70_000)
      const status = b.manager.status(target().vmUuid, target().mac)
      await b.manager.close()

      const want = [...wanted].sort()
      const addresses = guest.addresses.map(a => a.ip).sort()
      t.deepEqual(addresses, [...want, '192.0.2.7', '192.0.2.8'].sort())
      t.deepEqual(
        [...(status?.vips ?? [])].filter(([, v]) => v.state !== 'set' || v.code !== undefined),
        [],
      )
      const files = [...guest.files].filter(([path]) => path.includes(':') && path !== foreign)
      t.deepEqual(files.map(([, text]) => /^IPADDR=(.*)$/m.exec(text)?.[1]).sort(), want)
      t.deepEqual(
        records
          .list()
          .map(r => r.vip)
          .sort(),
        want,
      )
      t.deepEqual(status?.ownAddresses, ['192.0.2.7', '192.0.2.8'])
    }),
    { numRuns: 150 },
  )
})
