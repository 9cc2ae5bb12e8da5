import test from 'ava'
import { parseEntry } from '../../../director/connections/parse.ts'
import { tcpStateOf } from '../../../director/connections/tcp-state.ts'

const IDLE = 900
const named = (client: string, server: string) => {
  const state = tcpStateOf([client, server], IDLE)
  return state && [state.name, state.seconds]
}

test('the kernel has one state of a connection', t => {
  t.deepEqual(named('SYN_SENT', 'SYN_SENT'), ['SYN_SENT', 30])
  t.deepEqual(named('SYN_RECV', 'SYN_RECV'), ['SYN_RECV', 60])
  t.deepEqual(named('ESTABLISHED', 'ESTABLISHED'), ['ESTABLISHED', 900])
  t.deepEqual(named('FIN_WAIT_1', 'FIN_WAIT_1'), ['FIN_WAIT_1', 60])
  t.deepEqual(named('CLOSE_WAIT', 'CLOSE_WAIT'), ['CLOSE_WAIT', 60])
  t.deepEqual(named('LAST_ACK', 'LAST_ACK'), ['LAST_ACK', 30])
  t.deepEqual(named('TIME_WAIT', 'TIME_WAIT'), ['TIME_WAIT', 10])
  t.deepEqual(named('CLOSED', 'CLOSED'), ['CLOSED', 10])
})

test('the userspace table has one of each side', t => {
  // A recalled connection looks like this in the table.
  t.deepEqual(named('SYN_SENT', 'CLOSED'), ['SYN_SENT', 30])
  t.deepEqual(named('ESTABLISHED', 'SYN_SENT'), ['SYN_RECV', 60])
  t.deepEqual(named('CLOSING', 'ESTABLISHED'), ['FIN_WAIT_1', 60])
  t.deepEqual(named('ESTABLISHED', 'CLOSING'), ['FIN_WAIT_1', 60])
  t.deepEqual(named('FIN_WAIT_2', 'ESTABLISHED'), ['CLOSE_WAIT', 60])
  t.deepEqual(named('CLOSING', 'CLOSING'), ['LAST_ACK', 10])
  t.deepEqual(named('FIN_WAIT_2', 'CLOSING'), ['LAST_ACK', 10])
  t.deepEqual(named('FIN_WAIT_2', 'FIN_WAIT_2'), ['TIME_WAIT', 10])
})

test('what nobody knows is no state', t => t.is(named('NEW', 'NEW'), undefined))

test('a short idle time-out is the longest of all', t => {
  t.is(tcpStateOf(['SYN_SENT', 'CLOSED'], 5)?.seconds, 5)
  t.is(tcpStateOf(['ESTABLISHED', 'ESTABLISHED'], 5)?.seconds, 5)
})

const TUPLES =
  'tcp,orig=(src=10.10.1.10,dst=10.10.1.100,sport=40000,dport=80),reply=(src=10.10.1.100,dst=10.10.1.10,sport=80,dport=40000)'

test('entries as both datapaths write them, with and without details', t => {
  t.like(
    parseEntry(
      `${TUPLES},id=3,zone=5,status=0,timeout=27,mark=7,protoinfo=(state_orig=SYN_SENT,state_reply=CLOSED,flags_orig=0,flags_reply=0)`,
    ),
    { states: ['SYN_SENT', 'CLOSED'], timeout: 27, mark: 7 },
  )
  t.like(
    parseEntry(
      `${TUPLES.replace('dport=80)', 'dport=80,packets=4,bytes=316)')},start=2026-01-02T03:04:05.678,id=123,zone=5,status=SEEN_REPLY|ASSURED|CONFIRMED,timeout=880,mark=7,protoinfo=(state_orig=ESTABLISHED,state_reply=ESTABLISHED,wscale_orig=7,wscale_reply=7,flags_orig=WINDOW_SCALE|SACK_PERM|BE_LIBERAL,flags_reply=WINDOW_SCALE|SACK_PERM|BE_LIBERAL)`,
    ),
    { states: ['ESTABLISHED', 'ESTABLISHED'], timeout: 880, packets: 4, bytes: 316 },
  )
  t.like(parseEntry(`${TUPLES},zone=5,timeout=880,mark=7,protoinfo=(state=ESTABLISHED)`), {
    states: ['ESTABLISHED', 'ESTABLISHED'],
  })
  t.is(parseEntry(`${TUPLES.replace('tcp', 'udp')},zone=5,timeout=880,mark=7`)?.states, undefined)
})

// Lines written by ovs-vswitchd 3.1.0.
const IPV6 =
  'tcp,orig=(src=2001:db8::10,dst=2001:db8::100,sport=39260,dport=80),reply=(src=2001:db8::100,dst=2001:db8::10,sport=80,dport=39260),id=0,zone=16385,status=0,timeout=29,mark=2147483650,protoinfo=(state_orig=CLOSING,state_reply=CLOSED,wscale_orig=10,wscale_reply=0,flags_orig=WINDOW_SCALE,flags_reply=0)'

test('entries of IPv6 connections, their addresses in canonical form', t => {
  t.deepEqual(parseEntry(IPV6), {
    client: '2001:db8::10',
    clientPort: 39_260,
    vip: '2001:db8::100',
    vipPort: 80,
    mark: 2_147_483_650,
    states: ['CLOSING', 'CLOSED'],
    timeout: 29,
    packets: undefined,
    bytes: undefined,
    start: undefined,
  })
  t.like(parseEntry(IPV6.replaceAll('2001:db8::10,', '::ffff:192.0.2.1,')), { client: '::ffff:c000:201' })
})
