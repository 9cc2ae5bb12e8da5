import { z } from 'zod'
import { vipProblem } from './address.ts'
import { duration } from './duration.ts'
import { panicShare } from './fields.ts'

export const CHECK_TYPES = ['tcp', 'http', 'https', 'udp', 'exec'] as const
export type CheckType = (typeof CHECK_TYPES)[number]

/** How the real servers of a service are checked; durations in milliseconds. */
export interface CheckSpec {
  readonly type: CheckType
  readonly interval: number
  readonly timeout: number
  /** Time between two checks while their results disagree with the real server's state. */
  readonly retryInterval: number
  /** Successes in a row that bring it up; failures in a row that take it down. */
  readonly rise: number
  readonly fall: number
  /** How long a flapping real server is first held down; 0: never. */
  readonly hold: number
  /** Undefined: the real server's own port. */
  readonly port: number | undefined
  /** Address that the VM sees as the client; undefined: the agent's link-local address. */
  readonly source: string | undefined
  readonly path: string
  readonly method: 'GET' | 'HEAD'
  readonly host: string | undefined
  /** Both ends included. */
  readonly status: readonly StatusRange[]
  /** A text that must occur, or /a regular expression/. */
  readonly body: string | undefined
  /** Bytes in hexadecimal. */
  readonly send: string | undefined
  readonly expect: string | undefined
  /** The program and its arguments. */
  readonly command: readonly string[]
  /** What happens when clients send packets and none comes back. */
  readonly passive: 'off' | 'warn' | 'down'
  /** Percent; 0: never. */
  readonly panic: number
}

export interface StatusRange {
  readonly first: number
  readonly last: number
}

/** Keys that only some types of check have. All other keys apply to every type. */
const KEYS_OF: Readonly<Record<string, readonly CheckType[]>> = {
  port: ['tcp', 'http', 'https', 'udp'],
  source: ['tcp', 'http', 'https', 'udp'],
  path: ['http', 'https'],
  method: ['http', 'https'],
  host: ['http', 'https'],
  status: ['http', 'https'],
  body: ['http', 'https'],
  send: ['tcp', 'udp'],
  sendHex: ['tcp', 'udp'],
  expect: ['tcp', 'udp', 'exec'],
  command: ['exec'],
}

const custom = (problem: (text: string) => string | undefined) => (text: string, context: z.core.$RefinementCtx) => {
  const message = problem(text)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
}

const statusRange = z.union([z.int(), z.string()]).transform((value, context): StatusRange => {
  const match = /^(\d{3})(?:-(\d{3}))?$/.exec(String(value))
  const range = { first: Number(match?.[1]), last: Number(match?.[2] ?? match?.[1]) }
  if (match !== null && range.first >= 100 && range.first <= range.last && range.last <= 599) return range
  context.addIssue({ code: 'custom', message: `'${value}' is not an HTTP status, such as 200 or 200-299` })
  return z.NEVER
})

const pattern = z.string().min(1).max(1000).superRefine(custom(patternProblem))

/** The keys of a check, before the rules across them. */
export const checkFields = z.strictObject({
  type: z.enum(CHECK_TYPES),
  interval: duration(100, 3_600_000).prefault('2s').describe('from the start of a check to the start of the next'),
  timeout: duration(10, 60_000).prefault('1s').describe('for all of one check'),
  retryInterval: duration(50, 3_600_000).optional().describe('instead of interval while the results are in doubt'),
  rise: z.int().min(1).max(100).default(2).describe('successes in a row that bring a real server up'),
  fall: z.int().min(1).max(100).default(3).describe('failures in a row that take it down'),
  hold: duration(0, 3_600_000).prefault('15s').describe('how long a flapping one stays down at first; 0: never'),
  port: z.int().min(1).max(65535).optional().describe("default: the real server's port"),
  source: z.string().superRefine(custom(vipProblem)).optional().describe('address that the VM sees as the client'),
  path: z
    .string()
    .max(2000)
    .superRefine(
      custom(text => (/^\/[\x21-\x7e]*$/.test(text) ? undefined : `'${text}' must be a path, such as /health`)),
    )
    .optional(),
  method: z.enum(['GET', 'HEAD']).optional(),
  host: z
    .string()
    .superRefine(custom(text => (/^[\x21-\x7e]{1,255}$/.test(text) ? undefined : `'${text}' is not a host name`)))
    .optional()
    .describe('Host header, and the name asked for in TLS'),
  status: z
    .union([statusRange, z.array(statusRange).min(1)])
    .optional()
    .describe('good HTTP statuses: 200, 200-299, or a list; default 200-399'),
  body: pattern.optional().describe('text that must be in the body, or /a regular expression/'),
  send: z.string().min(1).max(1400).optional(),
  sendHex: z
    .string()
    .max(2800)
    .superRefine(custom(text => (/^([0-9a-f]{2})+$/i.test(text) ? undefined : 'must be pairs of hexadecimal digits')))
    .optional(),
  expect: pattern.optional().describe('text that must be in the answer, or /a regular expression/'),
  command: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .optional()
    .describe('program and arguments, in the guest'),
  passive: z.enum(['off', 'warn', 'down']).default('warn').describe('when clients send and nothing comes back'),
  panic: panicShare,
})

/** The `check` block of a service. */
export const checkSchema = checkFields
  .superRefine((value, context) => {
    for (const [key, types] of Object.entries(KEYS_OF)) {
      if (value[key as keyof typeof value] === undefined || types.includes(value.type)) continue
      const message = `means nothing to a ${value.type} check, only to ${types.join(', ')}`
      context.addIssue({ code: 'custom', path: [key], message })
    }
    const needs = (key: string, why: string) => context.addIssue({ code: 'custom', message: `needs '${key}': ${why}` })
    if (value.type === 'exec' && value.command === undefined) needs('command', 'the program to run in the guest')
    if (value.type === 'udp' && value.send === undefined && value.sendHex === undefined)
      needs('send', 'a datagram that the real server answers, or sendHex')
    if (value.send !== undefined && value.sendHex !== undefined)
      context.addIssue({ code: 'custom', path: ['sendHex'], message: 'send is set already; keep one of the two' })
  })
  .transform(
    ({ sendHex, send, status, ...rest }): CheckSpec => ({
      ...rest,
      retryInterval: rest.retryInterval ?? Math.max(50, Math.round(rest.interval / 4)),
      port: rest.port,
      source: rest.source,
      path: rest.path ?? '/',
      method: rest.method ?? 'GET',
      host: rest.host,
      status: status === undefined ? [{ first: 200, last: 399 }] : [status].flat(),
      body: rest.body,
      send: sendHex?.toLowerCase() ?? (send === undefined ? undefined : Buffer.from(send).toString('hex')),
      expect: rest.expect,
      command: rest.command ?? [],
    }),
  )

/** True when `text` contains the pattern: a plain text, or `/…/`, a regular expression. */
export function holds(text: string, pattern: string): boolean {
  const expression = regexOf(pattern)
  return expression === undefined ? text.includes(pattern) : new RegExp(expression).test(text)
}

function regexOf(pattern: string): string | undefined {
  return pattern.length > 2 && pattern.startsWith('/') && pattern.endsWith('/') ? pattern.slice(1, -1) : undefined
}

function patternProblem(pattern: string): string | undefined {
  const expression = regexOf(pattern)
  if (expression === undefined) return undefined
  try {
    new RegExp(expression)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
