import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import { over } from '../../../shared/net/match.ts'
import { portField } from '../parts.ts'
import type { Probe } from '../probes.ts'
import { PRIORITY, TABLE, TCP_FLAG } from '../tables.ts'
import type { HostContext, ProbePort, VmPort } from '../types.ts'

/** Drops every frame from the probe port that no probe's flow matches. */
export function probePortFlows(port: ProbePort): Flow[] {
  return [
    {
      table: TABLE.classify,
      priority: PRIORITY.probePort,
      cookie: encodeCookie('agent', 'probe', 0),
      match: { in_port: port.ofport },
      actions: [],
    },
  ]
}

/**
 * One probe, in both directions. What the agent sends to the probe's address arrives in the VM at the VIP, and the VM's answer
 * comes back from the probe's address. The VM cannot open a connection to the host this way: only TCP segments that do not begin
 * a connection pass, and UDP to the port that the agent probes from.
 */
export function probeFlows(probe: Probe, port: ProbePort, host: HostContext): Flow[] {
  const { vip, protocol, at, address, source } = probe
  const cookie = encodeCookie('agent', 'probe', probe.number)
  const family = familyOf(vip)
  const { src, dst } = family.fields
  const ip = over(family, protocol)
  const answers: Flow['match'][] =
    protocol === 'udp'
      ? [{ udp_dst: port.udpPort }]
      : [TCP_FLAG.ack, TCP_FLAG.rst].map(flag => ({ tcp_flags: `${flag}/${flag}` }))
  return [
    {
      table: TABLE.classify,
      priority: PRIORITY.probe,
      cookie,
      match: { in_port: port.ofport, ...ip, [dst]: address, [portField(protocol, 'dst')]: probe.port },
      actions: [
        { type: 'set_field', field: 'eth_src', value: host.hostMac },
        { type: 'set_field', field: 'eth_dst', value: at.mac },
        { type: 'set_field', field: src, value: source },
        { type: 'set_field', field: dst, value: vip },
        { type: 'output', port: at.ofport },
      ],
    },
    ...answers.map(
      (answer): Flow => ({
        table: TABLE.classify,
        priority: PRIORITY.probe,
        cookie,
        match: {
          in_port: at.ofport,
          ...ip,
          [src]: vip,
          [dst]: source,
          [portField(protocol, 'src')]: probe.port,
          ...answer,
        },
        actions: [
          { type: 'set_field', field: 'eth_dst', value: port.mac },
          { type: 'set_field', field: src, value: address },
          { type: 'set_field', field: dst, value: port.address },
          { type: 'output', port: port.ofport },
        ],
      }),
    ),
  ]
}

/** Answers a VM's request for the probes' source address; the request goes nowhere else. */
export function probeSourceFlows(source: string, port: VmPort, host: HostContext): Flow[] {
  const { request, answer } = familyOf(source).neighbours
  return [
    {
      table: TABLE.classify,
      priority: PRIORITY.probe,
      cookie: encodeCookie('agent', 'probe-source', port.ofport),
      match: { in_port: port.ofport, ...request(source) },
      actions: answer({ address: source, mac: host.hostMac, ethSrc: host.hostMac }),
    },
  ]
}
