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

/** Bytes of a packet that its answer needs: Ethernet, VLAN, IP and TCP with options. */
const ENOUGH = 138

/**
 * A TCP packet that does not begin a connection, and whose connection the table does not know: the switch was restarted, or
 * another director had the connection. One copy goes from R to each host of the service and asks whether the connection is theirs
 * (agent/compile/features/recall.ts). The host that has it delivers the packet and answers with "mine" (features/signals.ts). No
 * process is involved. The director's process only ends connections that no host knows (director/packets/recall.ts).
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
      // This action is the last, because a packet that its meter drops goes no further, even inside a clone
      // (ofproto-dpif-xlate.c, clone_xlate_actions).
      { type: 'resubmit', table: TABLE.TELL },
    ],
  }
  return { flows: [flow] }
}

/** Copies for so many hosts fit one message and, in the kernel, one flow (net/openvswitch/flow_netlink.c, 32 KiB). */
const MOST_HOSTS = 500

/** The hosts of the service, each once. Connections of hosts beyond MOST_HOSTS are not recalled. */
export function hostsOf({ targets }: CompiledService): readonly Target[] {
  return [...new Map(targets.map(target => [target.hostMac, target])).values()].slice(0, MOST_HOSTS)
}

/** Actions that send a copy to each host of the service. */
export function copies(site: Site, service: CompiledService): readonly Action[] {
  return hostsOf(service).map(host => ({
    type: 'clone',
    actions: [{ type: 'set_field', field: 'eth_src', value: site.recallMac }, ...toHost(site, host)],
  }))
}

/** Flows that all services share; `families`: the address families of their VIPs. */
export function recallBase(site: Site, families: readonly Family[]): readonly Flow[] {
  const toProcess: Action = { type: 'output', port: PORT.CONTROLLER, maxLen: ENOUGH }
  const flow = (table: number, priority: number, match: Flow['match'], actions: Flow['actions']): Flow => {
    const cookie = encodeCookie('director', table === TABLE.UNANSWERED ? 'unanswered' : 'ask')
    return { table, priority, cookie, match, actions }
  }
  const source = (value: string): Action => ({ type: 'set_field', field: 'eth_src', value })
  return [
    flow(TABLE.TELL, PRIORITY.BASE, {}, [{ type: 'meter', meter: METER.tell }, toProcess]),
    // A flood of questions must not keep answers from the process, or it would end connections that a host has claimed.
    flow(TABLE.TELL, PRIORITY.KNOWN, { [SIGNAL]: 1 }, [{ type: 'meter', meter: METER.answer }, toProcess]),
    flow(TABLE.UNANSWERED, PRIORITY.BASE, { ct_mark: 0 }, [toProcess]),
    ...families.flatMap(family => [
      // conntrack makes no entry from a FIN, so the table would not show that the host has answered. The process must see this
      // answer.
      flow(TABLE.MINE, PRIORITY.KNOWN, { ...over(family, 'tcp'), ct_mark: 0, tcp_flags: FIN }, [
        { type: 'resubmit', table: TABLE.COMMIT },
        toProcess,
      ]),
      // A SYN leaves from R, so that the fabric learns where R is before any host sends to it.
      flow(TABLE.SOURCE, PRIORITY.KNOWN, { ...over(family, 'tcp'), tcp_flags: SYN }, [source(site.recallMac)]),
    ]),
    flow(TABLE.SOURCE, PRIORITY.BASE, {}, [source(site.directorMac)]),
  ]
}
