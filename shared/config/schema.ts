import { z } from 'zod'
import { canonicalCidr, maskProblem, vipProblem } from './address.ts'
import { checkSchema } from './check.ts'
import { duration } from './duration.ts'
import { panicShare } from './fields.ts'
import { SCHEDULERS } from './service.ts'
import { vmPatternProblem } from './vm-pattern.ts'

const port = z.int().min(1).max(65535)

/** A string for which `problem` returns undefined. */
const checked = (problem: (text: string) => string | undefined) =>
  z
    .string()
    .min(1)
    .superRefine((text, context) => {
      const message = problem(text)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })

const serviceName = checked(name =>
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)
    ? undefined
    : `'${name}' must be 1 to 63 letters, digits, dots, dashes or underscores, the first one a letter or a digit`,
)

const threshold = z.int().min(0).max(4_000_000)

const seconds = z.int().min(0).max(86_400)

const realServer = z.strictObject({
  vm: checked(vmPatternProblem).describe('libvirt domain name, with * ? [a-z] as in a shell, or UUID'),
  port: port.describe("the real server's port"),
  weight: z.int().min(0).max(65535).default(1).describe('share of new connections; 0 drains'),
  uthreshold: threshold.optional().describe('no new connections at this many active ones'),
  lthreshold: threshold.optional().describe('new connections again below this many; default: 3/4 of uthreshold'),
  sorry: z.boolean().optional().describe('gets connections only when no other real server can'),
})

const cidr = checked(text => {
  const result = canonicalCidr(text)
  return 'problem' in result ? result.problem : undefined
})

/** The keys of a service, before the rules across them. */
const fields = z.strictObject({
  service: serviceName.describe('unique name'),
  vip: checked(vipProblem).describe('IPv4 address that clients connect to'),
  port: port.describe('port that clients connect to'),
  protocol: z.enum(['tcp', 'udp']).default('tcp'),
  scheduler: z.enum(SCHEDULERS).default('wlc').describe('as in ipvsadm(8)'),
  clients: z
    .array(cidr)
    .min(1)
    .superRefine(unique(text => text, 'is in the list twice'))
    .default(['0.0.0.0/0'])
    .describe('CIDR blocks that the service is for'),
  arp: z.enum(['answer', 'drop']).default('answer').describe('what hosts do with ARP requests for the VIP'),
  slowStart: seconds.optional().describe('seconds over which a new real server gets up to its whole share'),
  drainTimeout: seconds.optional().describe('seconds after which a draining real server is let go'),
  persistence: z
    .strictObject({
      timeout: z.int().min(1).max(86_400).default(300).describe('seconds since the last new connection of the client'),
      mask: checked(maskProblem).default('255.255.255.255').describe('addresses equal under it count as one client'),
    })
    .optional()
    .describe('a client stays with its real server, as in ipvsadm(8) --persistent'),
  onFailure: z.enum(['reset', 'keep']).optional().describe('connections of a real server that is down; default: reset'),
  onEmpty: z.enum(['reject', 'drop']).optional().describe('requests while nobody can serve; default: reject'),
  passive: z
    .strictObject({
      fall: z.int().min(1).max(10_000).default(5).describe('new connections in a row of which none is accepted'),
      retry: duration(1000, 3_600_000)
        .prefault('10s')
        .describe('until a trial connection; doubles with each that fails'),
      panic: panicShare,
    })
    .optional()
    .describe('a real server that accepts no connection leaves scheduling; default: it is only told'),
  sorryService: serviceName.optional().describe('service whose real servers take over when no other can'),
  realServers: z
    .array(realServer)
    .min(1)
    .superRefine(
      unique(rs => `${rs.vm} port ${rs.port}`, 'is in the list twice; keep one entry with the weight you want'),
    ),
  check: checkSchema.optional().describe('health checks of the real servers'),
})

/** One document of a service file. Positions and sentences are added by explain.ts; rules across services are in conflicts.ts. */
export const serviceSchema = fields.superRefine(({ passive, protocol }, context) => {
  if (passive === undefined || protocol === 'tcp') return
  const message = 'is only for TCP, because UDP has no connections to accept'
  context.addIssue({ code: 'custom', path: ['passive'], message })
})

export type ServiceDocument = z.output<typeof serviceSchema>

/** Reports the position of the second of two entries with one key. */
function unique<T>(key: (entry: T) => string, message: string) {
  return (entries: readonly T[], context: z.core.$RefinementCtx) => {
    const seen = new Set<string>()
    for (const [index, entry] of entries.entries()) {
      const text = key(entry)
      if (seen.has(text)) context.addIssue({ code: 'custom', path: [index], message: `${text} ${message}` })
      seen.add(text)
    }
  }
}
