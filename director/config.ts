import { hostname } from 'node:os'
import { z } from 'zod'
import { addressBlock, groupName, hardwareAddress, ipv4Address, absolutePath as path } from '../shared/config/fields.ts'
import { parseGlob } from '../shared/config/glob.ts'
import { checkFabric, fabricFields } from '../shared/config/overlay.ts'

export const DIRECTOR_CONFIG_FILE = '/etc/crossport/director.yaml'

const seconds = z.int().min(1).max(4_294_967)

const hostPattern = z
  .string()
  .min(1)
  .max(253)
  .superRefine((text, context) => {
    const { problem } = parseGlob(text)
    if (problem !== undefined) context.addIssue({ code: 'custom', message: `'${text}': ${problem}` })
  })

const fields = z.strictObject({
  bridge: z.string().min(1).max(15).describe('Open vSwitch bridge that requests come to'),
  ...fabricFields,
  hostIp: ipv4Address.optional().describe('address of this host in the underlay; needed with fabric: overlay'),
  id: z
    .string()
    .min(1)
    .max(253)
    .default(() => hostname()),
  listen: z
    .string()
    .regex(/^(unix:\/.+|[^:]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5})$/, 'must be host:port or unix:/path')
    .default('0.0.0.0:7473')
    .describe('where agents dial in'),
  tls: z.strictObject({ ca: path, cert: path, key: path }).optional().describe('for the agents; default: in the clear'),
  leaseMs: z
    .int()
    .min(300)
    .max(3_600_000)
    .default(15_000)
    .describe('without a message from an agent for this long, its real servers leave scheduling'),
  directorMac: hardwareAddress
    .optional()
    .describe("answers ARP for the VIPs; default: the bridge's own hardware address"),
  hostServices: z
    .array(z.strictObject({ hosts: hostPattern, vips: z.array(addressBlock).min(1) }))
    .default([])
    .describe('hosts that may bring services which no service file here names, and their VIPs; default: none'),
  connectionTimeouts: z
    .strictObject({ tcp: seconds.default(900), udp: seconds.default(300) })
    .prefault({})
    .describe('seconds that an idle connection stays with its real server'),
  connectionLimit: z
    .int()
    .min(1)
    .max(4_294_967_295)
    .optional()
    .describe('most entries of one service in the userspace connection table; default: half of the table'),
  accounting: z
    .boolean()
    .default(true)
    .describe('count packets and bytes of each connection (userspace datapath; the kernel counts for itself)'),
  servicesDir: path.default('/etc/crossport/services.d'),
  stateFile: path.default('/var/lib/crossport/director.db'),
  controlSocket: path.default('/run/crossport/director.sock'),
  adminGroup: groupName.optional().describe('its members may change what the daemon does; default: only root'),
  ovsdbSocket: path.default('/run/openvswitch/db.sock'),
  ovsRunDir: path.default('/run/openvswitch').describe("where the bridge's .mgmt socket is"),
  logLevel: z.enum(['error', 'warn', 'notice', 'info', 'debug']).default('info'),
})

/** /etc/crossport/director.yaml. */
export const directorConfigSchema = fields.superRefine((config, context) => {
  checkFabric(config, context)
  if (config.fabric === 'overlay' && config.hostIp === undefined) {
    const message = 'overlay needs hostIp, the address of this host in the underlay'
    context.addIssue({ code: 'custom', path: ['fabric'], message })
  }
})

export type DirectorConfig = z.output<typeof directorConfigSchema>

/** Seconds without a packet after which a connection leaves the table; the defaults are those of ipvsadm(8) --set. */
export type ConnectionTimeouts = DirectorConfig['connectionTimeouts']
