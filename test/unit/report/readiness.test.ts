import test from 'ava'
import type { VipStatus } from '../../../agent/guest/types.ts'
import type { Health } from '../../../agent/health/types.ts'
import { resolve } from '../../../agent/real-servers/resolve.ts'
import { readiness } from '../../../agent/report/readiness.ts'
import { checkOf } from '../health/fixtures.ts'
import { domain, inventory, port, ports, spec } from '../real-servers/fixtures.ts'

const SET: VipStatus = { state: 'set' }
const BLOCKED: VipStatus = { state: 'unknown', code: 'GUEST_COMMANDS_BLOCKED', reason: 'guest-exec is forbidden' }
const REFUSED: VipStatus = { state: 'failed', code: 'GUEST_COMMAND_FAILED', reason: 'not permitted' }
const PENDING: VipStatus = { state: 'pending', code: 'GUEST_AGENT_NOT_CONNECTED', reason: 'not running (yet)' }
const UP: Health = { verdict: 'up', reason: '' }
const DOWN: Health = { verdict: 'down', reason: 'refused' }
const RISING: Health = { verdict: 'unknown', reason: 'has to succeed first' }

interface Case {
  readonly vip: VipStatus
  readonly check?: 'tcp' | 'exec'
  readonly health?: Health
  readonly wasReady?: boolean
}

function told({ vip, check, health, wasReady = false }: Case): string {
  const { realServers } = resolve({
    specs: [
      spec(
        check === undefined
          ? {}
          : { check: checkOf(check === 'exec' ? { type: check, command: ['true'] } : { type: check }) },
      ),
    ],
    inventory: inventory(domain(1)),
    ports: ports(port(1)),
    ingressPorts: { first: 40000, last: 40100 },
    allocations: [],
  })
  const [realServer] = realServers
  const guest = { vmUuid: '', mac: '', vips: new Map([[realServer!.vip, vip]]), ownAddresses: [], nicName: 'eth0' }
  const { state, reason } = readiness({
    realServer: realServer!,
    flowsConfirmed: true,
    flowsReason: undefined,
    guest,
    health,
    wasReady,
  })
  return reason === '' ? state : `${state}: ${reason}`
}

test('a VIP that is set, and a check that agrees', t => {
  t.is(told({ vip: SET }), 'ready')
  t.is(told({ vip: SET, check: 'tcp', health: UP }), 'ready')
  t.is(told({ vip: SET, check: 'tcp', health: RISING }), 'pending: has to succeed first')
  t.is(told({ vip: SET, check: 'tcp', health: DOWN }), 'down: refused')
})

test('a VM that was ready goes on serving when nobody can look into it any more, and the operator is told', t => {
  t.is(told({ vip: BLOCKED, wasReady: true }), 'ready: guest-exec is forbidden')
  t.is(told({ vip: BLOCKED, wasReady: true, check: 'tcp', health: UP }), 'ready: guest-exec is forbidden')
  t.is(told({ vip: PENDING, wasReady: true }), 'ready: not running (yet)')
})

test('its health takes it out, and brings it back', t => {
  t.is(told({ vip: BLOCKED, wasReady: true, check: 'tcp', health: DOWN }), 'down: refused')
  t.is(told({ vip: BLOCKED, check: 'tcp', health: DOWN }), 'down: guest-exec is forbidden')
  t.is(told({ vip: BLOCKED, check: 'tcp', health: UP }), 'ready: guest-exec is forbidden')
})

test('one of which nobody has ever known anything does not serve: neither does a check inside of it show its VIP', t => {
  t.is(told({ vip: BLOCKED }), 'down: guest-exec is forbidden')
  t.is(told({ vip: BLOCKED, check: 'exec', health: UP }), 'down: guest-exec is forbidden')
})

test('a guest that says itself that it cannot hold the VIP is down, whatever it was', t => {
  t.is(told({ vip: REFUSED, wasReady: true }), 'down: not permitted')
  t.is(told({ vip: REFUSED, wasReady: true, check: 'tcp', health: UP }), 'down: not permitted')
})
