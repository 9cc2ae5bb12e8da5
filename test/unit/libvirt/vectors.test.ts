import { readFileSync } from 'node:fs'
import test from 'ava'
import { decodeEvent } from '../../../shared/libvirt/events.ts'
import { CALL, decodeError, MESSAGE, OK, packMessage, REPLY, unpackMessage } from '../../../shared/libvirt/message.ts'
import { PROCEDURES } from '../../../shared/libvirt/procedures.ts'
import { type Codec, decode, encode } from '../../../shared/libvirt/xdr.ts'

/** Recorded between virsh 9.0.0 and libvirtd 9.0.0. */
const vectors: readonly { command: string; from: string; hex: string }[] = JSON.parse(
  readFileSync(new URL('vectors.json', import.meta.url), 'utf8'),
)

const parsed = vectors.map(({ command, hex }) => {
  const bytes = Buffer.from(hex, 'hex')
  const { header, body } = unpackMessage(bytes)
  const found = Object.entries(PROCEDURES).find(
    ([, p]) => p.program === header.program && p.number === header.procedure,
  )
  return { command, bytes, header, body, name: found?.[0], procedure: found?.[1] }
})

test('every call and reply that virsh and libvirtd exchanged comes out as the same bytes again', t => {
  const seen = new Set<string>()
  for (const { bytes, header, body, name, procedure } of parsed) {
    if (procedure === undefined || header.type === MESSAGE || header.status !== OK) continue
    const codec = (header.type === CALL ? procedure.args : procedure.result) as Codec<unknown>
    const value = decode(codec, body)
    t.deepEqual(packMessage(header, encode(codec, value)), bytes, name)
    seen.add(`${name} ${header.type === CALL ? 'call' : 'reply'}`)
  }
  t.true(seen.size >= 17, [...seen].join())
})

const web1 = { name: 'web-1', uuid: '6b2b8c5e3a3f4c559d55000000000001' }

test('what the recorded calls and replies say', t => {
  const value = (name: string, type: number, command: string) => {
    const found = parsed.find(p => p.name === name && p.header.type === type && p.command.startsWith(command))
    if (found?.procedure === undefined) throw new Error(`no vector of ${name}`)
    return decode((type === CALL ? found.procedure.args : found.procedure.result) as Codec<unknown>, found.body)
  }
  t.deepEqual(value('connectOpen', CALL, 'virsh list'), { name: 'qemu:///system', flags: 0 })
  t.deepEqual(value('authList', REPLY, 'virsh list'), { types: [0] })
  t.deepEqual(value('connectListAllDomains', CALL, 'virsh list'), { needResults: 1, flags: 3 })
  t.deepEqual(value('connectListAllDomains', REPLY, 'virsh list'), { domains: [{ ...web1, id: -1 }], count: 1 })
  t.deepEqual(value('domainGetState', REPLY, 'virsh list'), { state: 5, reason: 0 })
  t.deepEqual(value('domainAgentSetTimeout', CALL, 'virsh guest-agent'), {
    dom: { ...web1, id: 1 },
    timeoutS: 1,
    flags: 0,
  })
  t.deepEqual(value('domainAgentCommand', CALL, 'virsh qemu-agent'), {
    dom: { ...web1, id: 1 },
    command: '{"execute":"guest-ping"}',
    timeoutS: 1,
    flags: 0,
  })
  const { xml } = value('domainGetXml', REPLY, 'virsh dumpxml web-1') as { xml: string }
  t.true(xml.startsWith("<domain type='qemu'>\n  <name>web-1</name>"))
  t.true(xml.endsWith('</domain>\n'))
})

test('what the recorded errors say', t => {
  const errors = parsed.filter(p => p.header.status !== OK).map(p => decodeError(p.body))
  t.deepEqual(
    errors.map(({ code, message }) => ({ code, message })),
    [
      { code: 86, message: 'Guest agent is not responding: QEMU guest agent is not connected' },
      { code: 42, message: "Domain not found: no domain with matching name 'nope'" },
    ],
  )
})

test('what the recorded events say', t => {
  const events = parsed
    .filter(p => p.header.type === MESSAGE)
    .map(p => decodeEvent(p.header.program, p.header.procedure, p.body))
  const said = events
    .filter(e => e !== undefined)
    .map(({ kind, event, detail, device }) => [kind, event ?? device, detail].filter(v => v !== undefined).join(' '))
  t.deepEqual(said, [
    'agentLifecycle 2 1',
    'lifecycle 2 0',
    'lifecycle 3 0',
    'deviceAdded net1',
    'lifecycle 4 0',
    'reboot',
    'reboot',
    'deviceRemoved net1',
    'lifecycle 6 2',
    'lifecycle 5 1',
    'lifecycle 1 0',
  ])
})
