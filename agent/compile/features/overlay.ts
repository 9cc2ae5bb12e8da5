import { encodeCookie, learntCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Family } from '../../../shared/net/types.ts'
import type { Action, LearnSpec, Match } from '../../../shared/openflow/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { LEARNT_ADDRESS_S, LEARNT_IDLE_S, PRIORITY, TABLE, TAUGHT } from '../tables.ts'
import type { HostContext, OverlayContext, VmPort } from '../types.ts'

/*
 * The overlay where the agent itself forwards in it (without `forward: {table}`). NORMAL knows ports, not tunnel ends, so flows
 * of their own record which address is behind which host: each frame from the tunnel teaches that its source MAC is at tun_src. A
 * client's neighbour request is the first such frame, long before the first reply goes to the client.
 */

/** Actions that send a packet through the tunnel to one host. */
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
 * Matches for where packets of the virtual network come from. On an overlay these are the tunnel with our network key (under
 * another key the same addresses mean other machines) and the ports of this bridge, which have no key.
 */
export function origins({ overlay }: HostContext): readonly Match[] {
  if (overlay === undefined) return [{}]
  return [fromTunnel(overlay), { tun_id: 0 }]
}

export function fromTunnel({ tunnel, networkKey }: OverlayContext): Match {
  return { in_port: tunnel, tun_id: networkKey }
}

/**
 * Nobody else in the underlay is a director or this host: a frame from the tunnel that bears the address of one is believed only
 * from its own tunnel end. Otherwise any machine that knows the network's key could send requests and questions, and teach that a
 * director is elsewhere. A director that is a VM has no tunnel end of its own.
 */
export function tunnelGuardFlows(host: HostContext): Flow[] {
  const { overlay, hostMac, directors } = host
  if (overlay === undefined) return []
  const ends = directors.flatMap(({ mac, recallMac, hostIp }) =>
    hostIp === undefined ? [] : [mac, recallMac].map(source => ({ source, hostIp })),
  )
  const inVms = new Set(
    directors.flatMap(({ mac, recallMac, hostIp }) => (hostIp === undefined ? [mac, recallMac] : [])),
  )
  const guarded = new Set([hostMac, ...ends.map(({ source }) => source)]).difference(inVms)
  const flow = (above: number, match: Match, actions: readonly Action[]): Flow => ({
    table: TABLE.classify,
    priority: PRIORITY.tunnelEntry + above,
    cookie: encodeCookie('agent', 'guard'),
    match: { ...fromTunnel(overlay), ...match, [TAUGHT]: 0 },
    actions,
  })
  const learns = overlay.forwardTable === undefined ? [learnSource(overlay)] : []
  return [
    ...[...guarded].map(eth_src => flow(2, { eth_src }, [])),
    ...ends.map(({ source: eth_src, hostIp: tun_src }) =>
      flow(3, { eth_src, tun_src }, [
        ...learns,
        { type: 'set_field', field: TAUGHT, value: 1 },
        { type: 'resubmit', table: TABLE.classify },
      ]),
    ),
  ]
}

/** How a frame of a VM, rewritten or not, is forwarded: by the agent's own flows, or by a network controller. */
export function onwards({ overlay }: HostContext): Action {
  if (overlay === undefined) return { type: 'output', port: PORT.NORMAL }
  return { type: 'resubmit', table: overlay.forwardTable ?? TABLE.network }
}

/** The overlay's flows once per host, for the address families of its VIPs. */
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
      // Broadcasts, and frames to an address that has been silent for long, go to all hosts.
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

/** The flow that a frame from the tunnel creates: it sends packets to that source MAC to the host that the frame came from. */
function learnSource(overlay: OverlayContext): Action {
  return {
    ...learnt(overlay, [{ type: 'match', dst: { field: 'eth_dst' }, src: { field: 'eth_src' } }]),
    priority: PRIORITY.networkLearnt,
    idleTimeout: LEARNT_IDLE_S,
  }
}

/**
 * A frame that tells its sender's address creates a second flow: requests for that address go to that host only. Use does not
 * prolong this flow, because otherwise an address that has moved to this host could never be found again.
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

/** Flows per VM port: frames to the VM are delivered to it, and no frame from the tunnel can teach that the VM is elsewhere. */
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
