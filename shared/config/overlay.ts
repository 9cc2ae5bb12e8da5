import { z } from 'zod'
import { ipv4Address } from './fields.ts'

export const ENCAPSULATIONS = ['vxlan', 'geneve', 'gre'] as const
export type Encapsulation = (typeof ENCAPSULATIONS)[number]

/** The overlay's configuration, the same for both daemons. */
export interface OverlayConfig {
  readonly encapsulation: Encapsulation
  /** VNI of VXLAN and Geneve (24 bits), key of GRE (32 bits). */
  readonly networkKey: number
  /** Underlay addresses of the hosts that clients are on; empty: not known. */
  readonly clientHosts: readonly string[]
}

/**
 * Bytes that a tunnel adds to the inner IP packet within the outer one: inner Ethernet header 14, outer IPv4 20, and
 * VXLAN 8 + UDP 8 (RFC 7348), Geneve without options 8 + UDP 8 (RFC 8926), GRE with a key 8 (RFC 2890).
 */
export const OVERHEAD: Readonly<Record<Encapsulation, number>> = { vxlan: 50, geneve: 50, gre: 42 }

/** Keys of agent.yaml and director.yaml that describe the fabric. */
export const fabricFields = {
  uplink: z
    .string()
    .min(1)
    .max(15)
    .describe('port of the bridge to the fabric; overlay: the tunnel port, made where there is none'),
  fabric: z
    .enum(['l2', 'overlay'])
    .default('l2')
    .describe('a segment or VLAN that hosts share, or tunnels between them'),
  encapsulation: z.enum(ENCAPSULATIONS).optional().describe('of the tunnels; default: vxlan'),
  networkKey: z.int().min(0).max(0xffffffff).optional().describe('of the virtual network: VNI, or key of GRE'),
  clientHosts: z.array(ipv4Address).optional().describe('addresses of the hosts that clients are on'),
}

type FabricConfig = z.output<z.ZodObject<typeof fabricFields>>

/** Rules across the keys; for `superRefine`. */
export function checkFabric(
  config: FabricConfig,
  context: z.core.$RefinementCtx,
  others: readonly string[] = [],
): void {
  const problem = (key: string, message: string) => context.addIssue({ code: 'custom', path: [key], message })
  if (config.fabric === 'l2') {
    for (const key of ['encapsulation', 'networkKey', 'clientHosts', ...others])
      if ((config as Record<string, unknown>)[key] !== undefined) problem(key, 'only with fabric: overlay')
    return
  }
  if (config.networkKey === undefined)
    problem('fabric', 'overlay needs networkKey, the number of the virtual network, such as networkKey: 100')
  else if (config.encapsulation !== 'gre' && config.networkKey > 0xffffff)
    problem('networkKey', `must be at most ${0xffffff} with ${config.encapsulation ?? 'vxlan'}`)
}

/** Undefined on an l2 fabric. */
export function overlayOf(config: FabricConfig): OverlayConfig | undefined {
  if (config.fabric === 'l2') return undefined
  const { encapsulation = 'vxlan', networkKey = 0, clientHosts = [] } = config
  return { encapsulation, networkKey, clientHosts }
}
