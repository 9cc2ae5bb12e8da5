import test from 'ava'
import { polledPorts } from '../../../director/apply/conntrack.ts'
import type { CompiledService } from '../../../director/compile/types.ts'
import { type ListOptions, listConnections } from '../../../director/connections/list.ts'
import type { VirtualService } from '../../../director/registry/services.ts'
import { rs } from '../schedule/fixture.ts'

const LINE =
  'tcp,orig=(src=10.10.1.10,dst=10.10.1.100,sport=40000,dport=80),reply=(src=10.10.1.100,dst=10.10.1.10,sport=80,dport=40000),zone=16385,timeout=880,mark=7,protoinfo=(state=SYN_SENT)'

function list(entries: number | undefined, disturb = false) {
  const read: number[] = []
  const service = { service: 'web', protocol: 'tcp', realServers: [rs('a')] } as unknown as VirtualService
  const options: ListOptions = {
    plan: { services: [service], compiled: [{ zone: 16385 } as CompiledService], problems: [] },
    service: '',
    timeouts: { tcp: 900, udp: 300 },
    markOf: () => 7,
    dump: async zone => {
      read.push(zone)
      return `${LINE}\n`
    },
    disturb,
    entries: async () => entries,
    now: 0,
  }
  return { read, all: () => Array.fromAsync(listConnections(options)) }
}

test('a table that is read unnoticed is read, and so is one that the kernel forwards by', async t => {
  for (const entries of [0, 2000, undefined]) {
    const [batch] = await list(entries).all()
    t.like(batch?.[0], { client: '10.10.1.10:40000', realServer: 'a', state: 'active', idle: 20 })
  }
})

test('200,000 entries are not read, for clients would notice, but on demand', async t => {
  const { read, all } = list(200_000)
  const error = await t.throwsAsync(all, { code: 'CONNECTIONS_MANY' })
  t.regex(error!.message, /200000 connections .* 1\.40 s or more/)
  t.deepEqual(read, [])
  t.is((await list(200_000, true).all()).length, 1)
})

test('a port that a PMD thread polls is known by what ovs-vswitchd shows of its threads', t => {
  const shown = `Displaying last 60 seconds pmd usage %
pmd thread numa_id 0 core_id 1:
  isolated : false
  port: uplink0           queue-id:  0 (enabled)   pmd usage: NOT AVAIL
  overhead: NOT AVAIL
`
  t.deepEqual([...polledPorts(shown)], ['uplink0'])
  t.deepEqual([...polledPorts('')], [])
})
