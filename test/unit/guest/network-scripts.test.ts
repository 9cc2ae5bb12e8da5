import test from 'ava'
import fc from 'fast-check'
import { aliasFiles } from '../../../agent/guest/owners/network-scripts.ts'
import { sign, writerOf } from '../../../agent/guest/signature.ts'

const nic = fc.stringMatching(/^[a-z][a-z0-9]{1,14}$/)
const vip = fc.ipV4()
const paths = (nic: string, vip: string) => aliasFiles(nic, vip).map(file => file.path)
const label = (path: string) => path.slice('/etc/sysconfig/network-scripts/ifcfg-'.length)

test('labels are what ifup-aliases and the kernel take, and say the same in file and name', t => {
  fc.assert(
    fc.property(nic, vip, (nic, vip) => {
      for (const { path, text } of aliasFiles(nic, vip)) {
        const name = label(path)
        if (name.length > 15 || !/^[a-z0-9]+:[0-9A-Za-z_]+$/.test(name)) return false
        if (!text.includes(`DEVICE=${name}\n`)) return false
      }
      return true
    }),
  )
  t.pass()
})

test('two VIPs never share a file where the NIC leaves room for seven digits', t => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{2,7}$/), vip, vip, (nic, a, b) => {
      const [first, second] = [paths(nic, a), paths(nic, b)]
      return first.length === 1 && (a === b) === (first[0] === second[0])
    }),
  )
  t.pass()
})

test('a long NIC name leaves several short labels, a longer one none', t => {
  const short = paths('enp0s31f6u1', '10.10.1.100')
  t.true(new Set(short).size > 1)
  for (const path of short) t.is(label(path).length, 15)
  t.deepEqual(paths('enx525400aa0001', '10.10.1.100'), [])
})

test('a file says whose it is', t => {
  const text = aliasFiles('eth0', '10.10.1.100')[0]?.text ?? ''
  const ours = sign('10.10.1.100', text)
  t.is(writerOf(ours, '10.10.1.100'), 'ours')
  t.is(writerOf(ours, '10.10.1.101'), 'foreign')
  t.is(writerOf(sign('2001:db8::100', text), '2001:db8::100'), 'ours')
  t.is(writerOf(undefined, '10.10.1.100'), 'nobody')
  t.is(writerOf('', '10.10.1.100'), 'nobody')
  for (const edited of [`${ours}#\n`, ours.slice(0, -1), ours.replace('PREFIX=32', 'PREFIX=24'), text, '\n', 'x'])
    t.is(writerOf(edited, '10.10.1.100'), 'foreign', edited)
})
