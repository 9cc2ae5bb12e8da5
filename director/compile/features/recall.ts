import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { over } from '../../../shared/net/match.ts'
import type { Family } from '../../../shared/net/types.ts'
import { type Action, PORT } from '../../../shared/openflow/types.ts'
import { toHost } from '../fabric.ts'
import { METER, PRIORITY, SIGNAL, TABLE } from '../tables.ts'
import type { CompiledService, Feature, Site, Target } from '../types.ts'
import { FIN, NO_SYN, SYN } from './tcp-flags.ts'
import { transport } from './transport.ts'

/** As much of a packet as its answer needs: Ethernet, VLAN, IP and TCP with options. */
const ENOUGH = 138

/**
 * A TCP packet that begins nothing, of a connection that the table does not know: the switch was restarted, or another
 * director had it. One copy goes to each host of the service, from R: "is this yours?" (agent/compile/features/recall.ts).
 * The host that has the connection delivers the packet and says so ("mine", features/signals.ts). No process is in the
 * way; that of the director sees to it that a connection that nobody knows ends (director/packets/recall.ts).
 */
export const recall: Feature = (site, service) => {
  if (service.protocol !== 'tcp' || service.targets.length === 0) return { flows: [] }
  const flow: Flow = {
    table: TABLE.CONNECTION,
    priority: PRIORITY.UNKNOWN + 2,
    cookie: encodeCookie('director', 'ask', service.number),
    match: { ...transport(service), ct_zone: service.zone, ct_mark: 0, tcp_flags: NO_SYN },
    actions: [
      { type: 'meter', meter: METER.ask },
      ...copies(site, service),
      // Last: what its meter drops goes no further, clone or not (ofproto-dpif-xlate.c, clone_xlate_actions).
      { type: 'resubmit', table: TABLE.TELL },
    ],
  }
  return { flows: [flow] }
}

/** So many hosts' copies fit one message and, in the kernel, one flow (net/openvswitch/flow_netlink.c, 32 KiB). */
const MOST_HOSTS = 500

/** The hosts of the service, each once. Connections of those beyond MOST_HOSTS are not recalled. */
export function hostsOf({ targets }: CompiledService): readonly Target[] {
  return [...new Map(targets.map(target => [target.hostMac, target])).values()].slice(0, MOST_HOSTS)
}

/** One for each host of the service: "is this yours?" */
export function copies(site: Site, service: CompiledService): readonly Action[] {
  return hostsOf(service).map(host => ({
    type: 'clone',
    actions: [{ type: 'set_field', field: 'eth_src', value: site.recallMac }, ...toHost(site, host)],
  }))
}

/** What all services have together; `families`: of their VIPs. */
export function recallBase(site: Site, families: readonly Family[]): readonly Flow[] {
  const toProcess: Action = { type: 'output', port: PORT.CONTROLLER, maxLen: ENOUGH }
  const flow = (table: number, priority: number, match: Flow['match'], actions: Flow['actions']): Flow => {
    const cookie = encodeCookie('director', table === TABLE.UNANSWERED ? 'unanswered' : 'ask')
    return { table, priority, cookie, match, actions }
  }
  const source = (value: string): Action => ({ type: 'set_field', field: 'eth_src', value })
  return [
    flow(TABLE.TELL, PRIORITY.BASE, {}, [{ type: 'meter', meter: METER.tell }, toProcess]),
    // A flood of questions must not keep answers from the process: it would end what a host has claimed.
    flow(TABLE.TELL, PRIORITY.KNOWN, { [SIGNAL]: 1 }, [{ type: 'meter', meter: METER.answer }, toProcess]),
    flow(TABLE.UNANSWERED, PRIORITY.BASE, { ct_mark: 0 }, [toProcess]),
    ...families.flatMap(family => [
      // No entry can be made of a FIN, so the table would not tell that the host has answered: this must not be missed.
      flow(TABLE.MINE, PRIORITY.KNOWN, { ...over(family, 'tcp'), ct_mark: 0, tcp_flags: FIN }, [
        { type: 'resubmit', table: TABLE.COMMIT },
        toProcess,
      ]),
      // A SYN comes from R, so that the fabric knows where R is before a host speaks to it.
      flow(TABLE.SOURCE, PRIORITY.KNOWN, { ...over(family, 'tcp'), tcp_flags: SYN }, [source(site.recallMac)]),
    ]),
    flow(TABLE.SOURCE, PRIORITY.BASE, {}, [source(site.directorMac)]),
  ]
}
