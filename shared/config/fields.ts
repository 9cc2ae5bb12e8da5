import { z } from 'zod'
import { parseIpv4 } from '../address/ipv4.ts'
import { canonicalCidr } from './address.ts'

/** Fields that several files of the daemons and the service file have in common. */

/** A unicast hardware address; the result is in lower case. */
export const hardwareAddress = z
  .string()
  .transform(text => text.toLowerCase())
  .refine(text => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(text), 'must be a hardware address, such as 52:54:00:12:34:56')
  .refine(text => (Number.parseInt(text.slice(0, 2), 16) & 1) === 0, 'must be a unicast hardware address')

export const ipv4Address = z
  .string()
  .refine(text => parseIpv4(text) !== undefined, 'must be an IPv4 address, such as 172.24.1.20')

/** A CIDR block in canonical form; a bare address is a block of one. */
export const addressBlock = z.string().transform((text, context) => {
  const result = canonicalCidr(text)
  if ('cidr' in result) return result.cidr
  context.addIssue({ code: 'custom', message: result.problem })
  return z.NEVER
})

export const absolutePath = z.string().startsWith('/', 'must be an absolute path')

/** As groupadd(8) takes it. */
export const groupName = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be the name of a group')

/** Percent of failing real servers from which all are kept in scheduling. */
export const panicShare = z
  .int()
  .min(0)
  .max(100)
  .default(100)
  .describe('percent of failing real servers from which all are kept; 0: never')
