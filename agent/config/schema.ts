import { hostname } from 'node:os'
import { z } from 'zod'
import { canonicalCidr } from '../../shared/config/address.ts'
import {
  addressBlock,
  groupName,
  hardwareAddress,
  ipv4Address,
  absolutePath as path,
} from '../../shared/config/fields.ts'
import { checkFabric, fabricFields } from '../../shared/config/overlay.ts'
import { vmPatternProblem } from '../../shared/config/vm-pattern.ts'
import { PKI_DIR } from '../../shared/identity/files.ts'

/** The director's default port. */
export const DIRECTOR_PORT = 7473

/** `host:port`, or a host with the default port. */
const director = z.string().transform((text, context) => {
  const match = /^([A-Za-z0-9.-]+)(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[2] ?? DIRECTOR_PORT)
  if (match?.[1] && port >= 1 && port <= 65535) return `${match[1]}:${port}`
  context.addIssue({ code: 'custom', message: `'${text}' must be host:port, such as 172.24.1.100:${DIRECTOR_PORT}` })
  return z.NEVER
})

/** `first-last`, both included. */
const portRange = z.string().transform((text, context) => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  const range = { first: Number(match?.[1]), last: Number(match?.[2]) }
  if (match && range.first >= 1 && range.first <= range.last && range.last <= 65535) return range
  context.addIssue({ code: 'custom', message: `'${text}' must be two ports, such as 40000-49999` })
  return z.NEVER
})

/** A link-local block of addresses, large enough for a few real servers. */
const probeNetwork = z.string().superRefine((text, context) => {
  const result = canonicalCidr(text)
  const fail = (message: string) => context.addIssue({ code: 'custom', message })
  if ('problem' in result) return fail(result.problem)
  const length = Number(text.split('/')[1] ?? 32)
  if (!text.startsWith('169.254.') || length < 16 || length > 28)
    fail(`'${text}' must be a block of 169.254.0.0/16 from /16 to /28, such as 169.254.96.0/19`)
})

const vmPattern = z
  .string()
  .min(1)
  .superRefine((text, context) => {
    const message = vmPatternProblem(text)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

const fields = z.strictObject({
  bridge: z.string().min(1).max(15).describe('Open vSwitch bridge that the VMs are on'),
  ...fabricFields,
  forward: z
    .strictObject({ table: z.int().min(1).max(254) })
    .optional()
    .describe("table of a network controller's pipeline that rewritten packets go on in"),
  director: z
    .union([director.transform(one => [one]), z.array(director)])
    .default([])
    .describe('host:port, or a list; none: the host stands alone, with its own service files'),
  hostId: z
    .string()
    .min(1)
    .max(253)
    .default(() => hostname()),
  hostMac: hardwareAddress.optional().describe("default: the bridge's own hardware address"),
  hostIp: ipv4Address.optional().describe('default: the source address of the route to the director'),
  allowedVips: z
    .array(addressBlock)
    .optional()
    .describe('VIPs that directors may give to VMs here; default: those in networks of the VMs'),
  allowedVms: z
    .array(vmPattern)
    .default(['*'])
    .describe('VMs that directors may make real servers of, as in a service file'),
  guestExec: z.boolean().default(false).describe('health checks of directors may run commands in guests'),
  servicesDir: path.default('/etc/crossport/services.d'),
  stateFile: path.default('/var/lib/crossport/agent.db'),
  controlSocket: path.default('/run/crossport/agent.sock'),
  adminGroup: groupName.optional().describe('its members may change what the daemon does; default: only root'),
  ingressPorts: portRange.prefault('40000-49999').describe('for real servers that share a port on one host'),
  probePort: z.string().min(1).max(15).default('cp-probe').describe('internal port of the bridge for health checks'),
  probeNetwork: probeNetwork.default('169.254.96.0/19').describe('addresses of real servers as health checks use them'),
  ovsdbSocket: path.default('/run/openvswitch/db.sock'),
  ovsRunDir: path.default('/run/openvswitch').describe("where the bridge's .mgmt socket is"),
  libvirtSocket: path.default('/run/libvirt/libvirt-sock'),
  pki: path.default(PKI_DIR).describe('directory of the certificate, as `crossport-agent join` makes it'),
  tls: z
    .strictObject({ ca: path, cert: path, key: path })
    .optional()
    .describe('files of an existing PKI, in place of those in pki'),
  insecurePlaintext: z
    .boolean()
    .default(false)
    .describe('directors are talked to in the clear, and are believed whatever they say'),
  logLevel: z.enum(['error', 'warn', 'notice', 'info', 'debug']).default('info'),
})

/** /etc/crossport/agent.yaml. */
export const agentConfigSchema = fields.superRefine((config, context) => checkFabric(config, context, ['forward']))

/** What joining a fleet needs of it. What else is wrong in it is the daemon's business. */
export const joinConfigSchema = z.looseObject({
  pki: fields.shape.pki,
  tls: fields.shape.tls,
  hostId: z.string().min(1).max(253).optional(),
  bridge: z.string().optional(),
  uplink: z.string().optional(),
})

export type AgentConfig = z.output<typeof agentConfigSchema>

export const AGENT_CONFIG_FILE = '/etc/crossport/agent.yaml'
