import test from 'ava'
import { execa } from 'execa'
import { printOf } from '../../../shared/flows/entries.ts'
import type { Group } from '../../../shared/flows/types.ts'
import * as of from '../../../shared/openflow/messages.ts'
import type { Print } from '../../../shared/openflow/print.ts'
import { flowText, groupText } from '../../../shared/openflow/text.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { startOpenVswitch } from '../../segment/open-vswitch.ts'
import { cleanupOf } from '../cleanup.ts'
import { FLOWS, GROUPS } from './shapes.ts'
import { talk } from './talk.ts'

const errorsIn = (messages: readonly Buffer[]): string[] =>
  messages
    .filter(message => message[1] === of.TYPE.ERROR)
    .map(message => `${of.readHeader(message).xid}: ${of.decodeError(message).name}`)

const partsOf = (messages: readonly Buffer[], type: number): Buffer[] =>
  messages.filter(message => message[1] === of.TYPE.MULTIPART_REPLY && of.readMultipart(message).type === type)

test.serial('what is installed is read back as the same text', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const session = await talk(t, `${ovs.rundir}/br0.mgmt`)
  const xid = (i: number) => 100 + i
  const add = [
    ...GROUPS.map((group, i) => of.encodeBundleAdd(xid(i), 1, of.encodeGroupMod(xid(i), 'add', group))),
    ...FLOWS.map((flow, i) => of.encodeBundleAdd(xid(1000 + i), 1, of.encodeFlowMod(xid(1000 + i), 'add', flow))),
  ]
  t.deepEqual(errorsIn(await session.ask(of.encodeBundleControl(2, 1, 'open'), ...add)), [])
  const committed = await session.ask(of.encodeBundleControl(3, 1, 'commit'))
  t.deepEqual(errorsIn(committed), [])
  t.is(of.decodeBundleControl(committed[0]!).answers, 'commit')

  const flowParts = partsOf(await session.ask(of.encodeFlowDescRequest(4)), of.MULTIPART.FLOW_DESC)
  const flows = flowParts.flatMap(part => of.decodeFlowDesc(part))
  t.deepEqual(flows.map(flowText).sort(), FLOWS.map(flowText).sort())
  t.true(flows.every(flow => flow.stats.packets === 0n && flow.unknownFields === undefined))

  // Each of them is recognised by its bytes alone.
  const printText = ({ key0, key1, content0, content1 }: Print) => [key0, key1, content0, content1].join(' ')
  const listed: string[] = []
  for (const part of flowParts) of.decodeFlowDesc(part, print => listed.push(printText(print)) > 0)
  t.deepEqual(listed.sort(), FLOWS.map(flow => printText(printOf(flow))).sort())

  const groupParts = partsOf(await session.ask(of.encodeGroupDescRequest(5)), of.MULTIPART.GROUP_DESC)
  const groups = groupParts.flatMap(of.decodeGroupDesc)
  t.deepEqual(groups.map(group => groupText(group as Group)).sort(), GROUPS.map(groupText).sort())
  t.true(groups.every(group => !group.partial))

  // The same texts are what ovs-ofctl prints, and what it accepts.
  const shown = (await ovs.ofctl(['dump-groups']))
    .split('\n')
    .slice(1)
    .map(line => line.trim())
  t.deepEqual(shown.sort(), GROUPS.map(groupText).sort())
  const dumped = (await ovs.ofctl(['dump-flows', '--no-stats', '--no-names'])).split('\n')
  t.deepEqual(dumped.map(normalizeDump).sort(), FLOWS.map(flowText).sort())
  for (const flow of FLOWS) await ovs.ofctl(['add-flow', flowText(flow)])
  const again = partsOf(await session.ask(of.encodeFlowDescRequest(6)), of.MULTIPART.FLOW_DESC).flatMap(part =>
    of.decodeFlowDesc(part),
  )
  t.deepEqual(again.map(flowText).sort(), FLOWS.map(flowText).sort())

  // The flows of the texts are deleted strictly.
  const remove = FLOWS.map((flow, i) => of.encodeFlowMod(xid(i), 'delete_strict', flow))
  t.deepEqual(errorsIn(await session.ask(...remove, of.encodeGroupDelete(9, GROUPS[0]!.id))), [])
  t.is(await ovs.ofctl(['dump-flows', '--no-stats']), '')
})

/** dump-flows leaves out defaults: table 0, priority 32768. */
const normalizeDump = (line: string): string => {
  const [, cookie, rest] = /^ cookie=(0x[0-9a-f]+),? ?(.*)$/.exec(line)!
  const [, table = '0', afterTable] = /^(?:table=(\d+),? ?)?(.*)$/.exec(rest!)!
  const [, priority = '32768', end] = /^(?:priority=(\d+),?)?(.*)$/.exec(afterTable!)!
  return `cookie=${cookie},table=${table},priority=${priority}${/^ ?actions/.test(end!) ? '' : ','}${end!.replace(/^ ?actions/, ' actions')}`
}

test.serial('ports, counters, filters, monitor and packets', async t => {
  const ovs = await startOpenVswitch(cleanupOf(t))
  const session = await talk(t, `${ovs.rundir}/br0.mgmt`)
  await session.ask(of.encodeSetConfig(2))

  const [features] = await session.ask(of.encodeFeaturesRequest(3))
  t.is(of.decodeFeatures(features!).tables, 254)

  const [ports] = await session.ask(of.encodePortDescRequest(4))
  const [local] = of.decodePortDesc(ports!)
  t.like(local, { number: PORT.LOCAL, name: 'br0' })
  t.regex(local!.mac, /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)

  t.deepEqual(errorsIn(await session.ask(of.encodeFlowMonitor(5, { id: 1 }))), [])
  await ovs.ofctl(['add-flow', 'table=3,priority=7,cookie=0x55,tcp,tp_dst=80,actions=CONTROLLER'])
  const [added] = of.decodeFlowUpdates(await session.next())
  t.like(added, { event: 'added' })
  t.is(
    flowText((added as { flow: (typeof FLOWS)[0] }).flow),
    'cookie=0x55,table=3,priority=7,tcp,tp_dst=80 actions=CONTROLLER:65535',
  )
  const mine = { table: 0, priority: 1, cookie: 0x77n, match: {}, actions: [{ type: 'group', group: 9 }] } as const
  const counted: Group = {
    id: 9,
    type: 'all',
    buckets: [{ id: 0, weight: 0, actions: [{ type: 'output', port: PORT.CONTROLLER }] }],
  }
  const own = await session.ask(of.encodeGroupMod(6, 'add', counted), of.encodeFlowMod(7, 'add', mine))
  t.deepEqual(of.decodeFlowUpdates(own[0]!), [{ event: 'abbreviated', xid: 7 }])

  const frame = Buffer.from('ffffffffffff0200000000010806', 'hex')
  const sent = await session.ask(
    of.encodePacketOut(8, {
      inPort: PORT.LOCAL,
      actions: [{ type: 'output', port: PORT.TABLE }],
      data: Buffer.concat([frame, Buffer.alloc(46)]),
    }),
  )
  t.deepEqual(errorsIn(sent), [])
  const packet = sent[0] ?? (await session.next())
  const arrived = of.decodePacketIn(packet)
  t.like(arrived, { inPort: PORT.LOCAL, table: 0, cookie: 0x77n, totalLength: 60 })
  t.deepEqual(arrived.data.subarray(0, 14), frame)

  const byCookie = { cookie: { cookie: 0x77n, mask: 0xffn } }
  const [only] = partsOf(await session.ask(of.encodeFlowDescRequest(9, byCookie)), of.MULTIPART.FLOW_DESC)
  const described = of.decodeFlowDesc(only!)
  t.deepEqual(described.map(flowText), [flowText(mine)])
  t.like(described[0]!.stats, { packets: 1n, bytes: 60n })
  const groups = partsOf(await session.ask(of.encodeGroupStatsRequest(11)), of.MULTIPART.GROUP_STATS)
  t.is(groups.flatMap(of.decodeGroupStats)[0]!.buckets.length, 1)

  const missing = await session.ask(of.encodeFlowMod(12, 'add', { ...mine, actions: [{ type: 'group', group: 99 }] }))
  t.deepEqual(errorsIn(missing), ['12: OFPBAC_BAD_OUT_GROUP'])
  await session.ask(of.encodeFlowMonitorDelete(13, 1))
})

test('ovs-ofctl reads what is written as the text that is shown', async t => {
  for (const flow of FLOWS) {
    const { stdout } = await execa('ovs-ofctl', [
      '--no-names',
      'ofp-print',
      of.encodeFlowMod(1, 'add', flow).toString('hex'),
    ])
    const actions = flowText(flow).replace(/^.* actions=/, '')
    t.true(stdout.endsWith(` actions=${actions}`), stdout)
  }
  const hello = await execa('ovs-ofctl', ['ofp-print', of.encodeHello(1).toString('hex')])
  t.regex(hello.stdout, /version bitmap: 0x06/)
})
