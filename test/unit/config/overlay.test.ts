import test from 'ava'
import { agentConfigSchema } from '../../../agent/config/schema.ts'
import { directorConfigSchema } from '../../../director/config.ts'
import { parseDaemonConfig } from '../../../shared/config/daemon.ts'
import { overlayOf } from '../../../shared/config/overlay.ts'

const agent = (text: string) => parseDaemonConfig(agentConfigSchema, `bridge: br0\nuplink: tun0\n${text}`, 'agent.yaml')
const director = (text: string) =>
  parseDaemonConfig(directorConfigSchema, `bridge: br0\nuplink: tun0\n${text}`, 'director.yaml')

test('an overlay: VXLAN and no client hosts unless they are named', t => {
  t.deepEqual(overlayOf(agent('fabric: overlay\nnetworkKey: 100')), {
    encapsulation: 'vxlan',
    networkKey: 100,
    clientHosts: [],
  })
  t.is(overlayOf(agent('')), undefined)
})

const wrong: readonly [string, () => unknown, RegExp][] = [
  ['no key', () => agent('fabric: overlay'), /agent\.yaml:3:\d+: .*needs networkKey/],
  [
    'a VNI of more than 24 bits',
    () => agent('fabric: overlay\nnetworkKey: 16777216'),
    /:4:\d+: networkKey: must be at most/,
  ],
  ['a key on a segment', () => agent('networkKey: 1'), /:3:\d+: networkKey: only with fabric: overlay/],
  ['a table on a segment', () => agent('forward: {table: 8}'), /:3:\d+: forward: only with fabric: overlay/],
  ['table 0', () => agent('fabric: overlay\nnetworkKey: 1\nforward: {table: 0}'), /:5:\d+: forward\.table/],
  ['a client host that is no address', () => agent('fabric: overlay\nnetworkKey: 1\nclientHosts: [nobody]'), /:5:15: /],
  ['a director without its own address', () => director('fabric: overlay\nnetworkKey: 1'), /:3:\d+: .*needs hostIp/],
]
for (const [what, parse, message] of wrong) {
  test(`refused, with the place: ${what}`, t => {
    t.throws(parse, { message })
  })
}

test('a key of GRE has 32 bits', t => {
  t.is(agent('fabric: overlay\nencapsulation: gre\nnetworkKey: 4294967295').networkKey, 4294967295)
})
