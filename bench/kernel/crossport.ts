import { compile as compileHost } from '../../agent/compile/compile.ts'
import { shields } from '../../agent/compile/shields.ts'
import type { HostContext } from '../../agent/compile/types.ts'
import { indexPorts } from '../../agent/real-servers/attach.ts'
import { resolve } from '../../agent/real-servers/resolve.ts'
import type { RealServer } from '../../agent/real-servers/types.ts'
import { toReport } from '../../agent/report/readiness.ts'
import { turnTimeouts, zoneTimeouts } from '../../director/apply/conntrack.ts'
import { metersFor } from '../../director/apply/meters.ts'
import { compile as compileDirector } from '../../director/compile/compile.ts'
import { recallMacOf } from '../../director/compile/fabric.ts'
import type { Site } from '../../director/compile/types.ts'
import { makePlan } from '../../director/plan/plan.ts'
import type { Host } from '../../director/registry/types.ts'
import type { Knowledge } from '../../director/schedule/schedule.ts'
import type { Numbers } from '../../director/store/numbers.ts'
import type { ServiceSpec } from '../../shared/config/service.ts'
import type { Compiled } from '../../shared/flows/compiled.ts'
import { flowText, groupText } from '../../shared/openflow/text.ts'
import { domain, inventory, port, ports } from '../../test/unit/real-servers/fixtures.ts'
import { vipNumbers } from '../../test/unit/vip-numbers.ts'
import { HOST_SPECS, servicesOf } from './services.ts'
import { DIRECTOR_MAC, HOST_MAC, HOST_WAYS, MANY_WAYS, VMS, WAYS, WITH } from './ways.ts'

/*
 * Makes the content of the two bridges for crossport's ways with the daemons' own compilers. Everything in their input that is
 * made up is here.
 */

/**
 * Places in the machine's network (inside/network.sh): the uplink is port 1 of both bridges, VM n is behind port 10 + n of the
 * host's.
 */
const UPLINK = 1

/** Flows and settings as text for ovs-ofctl and ovs-vsctl. */
export interface Switches {
  readonly director: {
    readonly flows: string
    readonly groups: string
    readonly zones: string
    readonly meters: string
  }
  readonly host: { readonly flows: string; readonly groups: string }
}

/** With `many`: includes the services of 1,000 real servers. */
export function switches(many: boolean): Switches {
  const crossport = [
    ...WAYS.filter(way => way.crossport !== undefined).flatMap(way => servicesOf(way, false)),
    ...(many ? MANY_WAYS.filter(way => way.crossport !== undefined).flatMap(way => servicesOf(way, true)) : []),
  ]
  const specs = crossport.map(service => service.spec)
  const realServers = resolved(specs)
  const site: Site = {
    directorMac: DIRECTOR_MAC,
    recallMac: recallMacOf(DIRECTOR_MAC),
    uplink: UPLINK,
    ownMacs: [DIRECTOR_MAC],
    accessPorts: [],
    fabric: 'l2',
    accounting: false,
  }
  const highRate = new Set(crossport.filter(service => service.highRate).map(service => service.spec.service))
  const registry = { hosts: new Map([['host', registered(realServers)]]), nextSeq: 2, revision: 0 }
  const plan = makePlan(specs, registry, numbers(), ({ service }) =>
    highRate.has(service) ? MANY_CONNECTIONS : { now: 0 },
  )
  const timeouts = [turnTimeouts, ...zoneTimeouts(plan.compiled, { tcp: 900, udp: 300 })]
  return {
    director: {
      ...texts(compileDirector(site, plan.compiled, vipNumbers().of)),
      meters: metersFor(1)
        .map(({ id, rate, burst }) => `meter=${id},pktps,burst,band=type=drop,rate=${rate},burst_size=${burst}\n`)
        .join(''),
      zones: timeouts
        .map(
          ({ zone, timeouts: of }) =>
            `zone=${zone} ${Object.entries(of)
              .map(pair => pair.join('='))
              .join(' ')}\n`,
        )
        .join(''),
    },
    host: texts(hostFlows(realServers, DIRECTORS)),
  }
}

/** The hypervisor's bridge for HOST_WAYS: one service as in a fleet with a director, the other as in one without. */
export function hostAlone(): Switches['host'] {
  const realServers = resolved(HOST_SPECS)
  const [{ address }] = HOST_WAYS.filter(({ name }) => name === WITH) as [(typeof HOST_WAYS)[number]]
  const told = realServers.filter(({ vip }) => vip === address)
  const untold = realServers.filter(({ vip }) => vip !== address)
  return texts(new Map([...hostFlows(untold, []), ...hostFlows(told, DIRECTORS)]))
}

const DIRECTORS: HostContext['directors'] = [
  { mac: DIRECTOR_MAC, recallMac: recallMacOf(DIRECTOR_MAC), hostIp: undefined },
]
const SNAPSHOT = ports(...VMS.map(n => port(n)))

function resolved(specs: readonly ServiceSpec[]): readonly RealServer[] {
  const { realServers, problems } = resolve({
    specs,
    inventory: inventory(...VMS.map(n => domain(n))),
    ports: { ...SNAPSHOT, bridge: { ...SNAPSHOT.bridge!, mac: HOST_MAC, datapathType: 'system' } },
    allocations: [],
    ingressPorts: { first: 40_000, last: 49_999 },
  })
  if (problems.length > 0) throw new Error(problems[0]!.message)
  return realServers
}

function hostFlows(realServers: readonly RealServer[], directors: HostContext['directors']): Compiled {
  const host: HostContext = {
    hostMac: HOST_MAC,
    directorMac: DIRECTOR_MAC,
    directors,
    uplink: UPLINK,
    vmPorts: VMS.map(n => port(n)).map(({ name, attachedMac, ofport, tag }) => {
      return { name, mac: attachedMac!, ofport: ofport!, tag }
    }),
    overlay: undefined,
  }
  const index = indexPorts(SNAPSHOT)
  return compileHost({
    realServers,
    shields: shields(realServers, [], index, (_, mac) => ownAddress(mac)),
    guarded: [],
    numberOf: vipNumbers().of,
    host,
  })
}

/** What the scheduler knows while so many connections come that it uses shares instead of turns. */
const MANY_CONNECTIONS: Knowledge = {
  now: 0,
  load: {
    at: 0,
    rate: 5000,
    peak: 5000,
    recent: 5000,
    many: true,
    manyUntil: Number.POSITIVE_INFINITY,
    epoch: '',
    servers: new Map(),
  },
}

/** All real servers are ready. */
function registered(realServers: readonly RealServer[]): Host {
  const reports = realServers.map(realServer => toReport(realServer, { state: 'ready', reason: '' }))
  return {
    hostId: 'host',
    hostMac: HOST_MAC,
    hostIp: '172.24.1.20',
    version: '1',
    realServers: new Map(reports.map(report => [report.id, report])),
    seq: 1,
    state: 'alive',
    leaseExpiresAt: Number.POSITIVE_INFINITY,
  }
}

const ownAddress = (mac: string) => `10.10.1.${30 + Number.parseInt(mac.slice(-2), 16)}`

function numbers(): Numbers {
  const known = new Map<string, number>()
  const highest = { mark: 0, service: 0 }
  return {
    of: (kind, name) => {
      const key = `${kind} ${name}`
      const number = known.get(key) ?? ++highest[kind]
      known.set(key, number)
      return number
    },
    isKept: () => true,
    save: () => {},
  }
}

function texts(compiled: Compiled): { flows: string; groups: string } {
  const objects = [...compiled.values()]
  const lines = (list: readonly string[]) => list.map(line => `${line}\n`).join('')
  return {
    flows: lines(objects.flatMap(object => object.flows().map(flowText))),
    groups: lines(objects.flatMap(object => (object.groups?.() ?? []).map(groupText))),
  }
}
