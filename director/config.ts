import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { duration } from '../shared/config/duration.ts'
import { addressBlock, groupName, hardwareAddress, ipv4Address, absolutePath as path } from '../shared/config/fields.ts'
import { parseGlob } from '../shared/config/glob.ts'
import { checkFabric, fabricFields } from '../shared/config/overlay.ts'
import { PKI_DIR } from '../shared/identity/files.ts'

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
  joinListen: z
    .string()
    .regex(/^([^:]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/, 'must be host:port')
    .default('0.0.0.0:7474')
    .describe('where hosts join that have no certificate yet; only on the director that has the CA key'),
  pki: path
    .default(PKI_DIR)
    .describe('directory of the CA and of the certificate, as `crossport-director init` makes them'),
  tls: z
    .strictObject({ ca: path, cert: path, key: path })
    .optional()
    .describe('files of an existing PKI, in place of those in pki'),
  certificateLifetime: duration(5000, 10 * 365 * 86_400_000)
    .prefault('2160h')
    .describe('of the certificates that this director issues'),
  authority: z
    .string()
    .regex(/^([^:]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/, 'must be host:port')
    .optional()
    .describe('the director that renews the certificate of this one, which has no CA key'),
  insecurePlaintext: z
    .boolean()
    .default(false)
    .describe('agents are talked to in the clear, and are not asked who they are'),
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

/** What the commands need of it. What else is wrong in it is the daemon's business. */
export const commandConfigSchema = fields
  .pick({
    id: true,
    joinListen: true,
    pki: true,
    tls: true,
    certificateLifetime: true,
    stateFile: true,
    controlSocket: true,
  })
  .loose()

export type CommandConfig = z.output<typeof commandConfigSchema>

/** The book of tokens, certificates and revocations (pki/book.ts). */
export const bookFile = ({ stateFile }: Pick<DirectorConfig, 'stateFile'>): string =>
  join(dirname(stateFile), 'authority.db')

export type DirectorConfig = z.output<typeof directorConfigSchema>

/** Seconds without a packet after which a connection leaves the table; the defaults are those of ipvsadm(8) --set. */
export type ConnectionTimeouts = DirectorConfig['connectionTimeouts']
