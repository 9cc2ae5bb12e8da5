import { encodeCookie, learntCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Family } from '../../../shared/net/types.ts'
import type { Action, LearnSpec, Match } from '../../../shared/openflow/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { LEARNT_ADDRESS_S, LEARNT_IDLE_S, PRIORITY, TABLE, TAUGHT } from '../tables.ts'
import type { HostContext, OverlayContext, VmPort } from '../types.ts'

/*
 * The overlay as far as the agent forwards in it itself (no `forward: {table}`). NORMAL knows ports, not tunnel ends,
 * so who is behind which host is kept in flows of their own: each frame from the tunnel teaches that its source MAC is
 * at tun_src. A client's request for a neighbour is the first such frame, long before the first reply goes to it.
 */

/** Into the tunnel, to one host. */
export function toTunnel(
  { tunnel, networkKey }: Pick<OverlayContext, 'tunnel' | 'networkKey'>,
  hostIp: string,
  maxLen?: number,
): Action[] {
  return [
    { type: 'set_field', field: 'tun_id', value: networkKey },
    { type: 'set_field', field: 'tun_dst', value: hostIp },
    { type: 'output', port: tunnel, ...(maxLen === undefined ? {} : { maxLen }) },
  ]
}

/**
 * Where packets of the virtual network come from, as matches: on an overlay the tunnel with our network key (another
 * key is another network, where the same addresses mean others), and ports of this bridge, which have no key.
 */
export function origins({ overlay }: HostContext): readonly Match[] {
  if (overlay === undefined) return [{}]
  return [fromTunnel(overlay), { tun_id: 0 }]
}

export function fromTunnel({ tunnel, networkKey }: OverlayContext): Match {
  return { in_port: tunnel, tun_id: networkKey }
}

/** How a frame of a VM, rewritten or not, goes on: by the host's own means, or a controller's. */
export function onwards({ overlay }: HostContext): Action {
  if (overlay === undefined) return { type: 'output', port: PORT.NORMAL }
  return { type: 'resubmit', table: overlay.forwardTable ?? TABLE.network }
}

/** Once a host, for the families of its VIPs. */
export function overlayFlows(host: HostContext, families: readonly Family[]): Flow[] {
  const { overlay, directorMac } = host
  if (overlay === undefined || overlay.forwardTable !== undefined) return []
  const cookie = encodeCookie('agent', 'tunnel', 0)
  const entry = (match: Match, above: number, learns: readonly Action[]): Flow => ({
    table: TABLE.classify,
    priority: PRIORITY.tunnelEntry + above,
    cookie,
    match: { ...fromTunnel(overlay), ...match, [TAUGHT]: 0 },
    actions: [...learns, { type: 'set_field', field: TAUGHT, value: 1 }, { type: 'resubmit', table: TABLE.classify }],
  })
  const flows: Flow[] = [
    entry({}, 0, [learnSource(overlay)]),
    ...families.flatMap(({ neighbours }) =>
      neighbours.lessons.map(({ match, request }) =>
        entry(match, 1, [learnSource(overlay), learnSender(overlay, request)]),
      ),
    ),
    {
      table: TABLE.network,
      priority: PRIORITY.networkUnknown,
      cookie,
      match: {},
      // Broadcasts, and what is for somebody who has not been heard of for long: it is offered to all.
      actions: [
        { type: 'output', port: PORT.NORMAL },
        ...overlay.clientHosts.flatMap(clientHost => toTunnel(overlay, clientHost)),
      ],
    },
  ]
  if (directorMac !== undefined && overlay.directorIp !== undefined && directorMac !== host.hostMac) {
    flows.push({
      table: TABLE.network,
      priority: PRIORITY.networkDirector,
      cookie,
      match: { eth_dst: directorMac },
      actions: toTunnel(overlay, overlay.directorIp),
    })
  }
  return flows
}

/** The flow that a frame from the tunnel makes: to its source MAC, through the tunnel to where it came from. */
function learnSource(overlay: OverlayContext): Action {
  return {
    ...learnt(overlay, [{ type: 'match', dst: { field: 'eth_dst' }, src: { field: 'eth_src' } }]),
    priority: PRIORITY.networkLearnt,
    idleTimeout: LEARNT_IDLE_S,
  }
}

/**
 * What tells of its sender's address makes one more: a request for that goes to that host, not to all. It does not live on
 * by being used, for whoever has moved to this host could not be found any more.
 */
function learnSender(overlay: OverlayContext, request: readonly LearnSpec[]): Action {
  return { ...learnt(overlay, request), priority: PRIORITY.networkLearntAddress, hardTimeout: LEARNT_ADDRESS_S }
}

function learnt({ tunnel, networkKey }: OverlayContext, match: readonly LearnSpec[]) {
  return {
    type: 'learn',
    table: TABLE.network,
    cookie: learntCookie(tunnel),
    deleteLearned: true,
    specs: [
      ...match,
      { type: 'load', dst: { field: 'tun_dst' }, src: { field: 'tun_src' } },
      { type: 'load', dst: { field: 'tun_id' }, src: { value: networkKey } },
      { type: 'output', src: { field: 'in_port' } },
    ],
  } as const
}

/** Once a VM port: what the VM sends goes to whom it is for, and no tunnel can teach that the VM were elsewhere. */
export function overlayPortFlows(port: VmPort, { overlay }: HostContext): Flow[] {
  if (overlay === undefined || overlay.forwardTable !== undefined) return []
  const cookie = encodeCookie('agent', 'tunnel', port.ofport)
  return [
    {
      table: TABLE.classify,
      priority: PRIORITY.fromVm,
      cookie,
      match: { in_port: port.ofport },
      actions: [{ type: 'resubmit', table: TABLE.network }],
    },
    {
      table: TABLE.network,
      priority: PRIORITY.networkLocal,
      cookie,
      match: { eth_dst: port.mac },
      actions: [{ type: 'output', port: PORT.NORMAL }],
    },
    {
      table: TABLE.network,
      priority: PRIORITY.networkLocalAsHost,
      cookie,
      match: { in_port: PORT.LOCAL, eth_dst: port.mac },
      actions: [{ type: 'output', port: port.ofport }],
    },
  ]
}
