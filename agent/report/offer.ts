import { z } from 'zod'
import { hardwareAddress, ipv4Address } from '../../shared/config/fields.ts'
import type { RegistrationRequest__Output } from '../../shared/rpc/gen/crossport/v1/RegistrationRequest.ts'
import type { ServiceDocuments__Output } from '../../shared/rpc/gen/crossport/v1/ServiceDocuments.ts'
import { LIMITS } from '../../shared/rpc/limits.ts'
import type { DirectorInfo } from '../store/types.ts'

/** A lease has at least this length, so that heartbeats do not fill the line. */
const LEAST_LEASE_MS = 300
const MOST_LEASE_MS = 3_600_000
/** The longest time that Open vSwitch takes for a timeout of its connection table (32 bits of jiffies). */
const MOST_SECONDS = 4_294_967

const absent = z.literal('').transform(() => undefined)

const request = z
  .object({
    directorId: z.string().min(1, 'must not be empty').max(LIMITS.name, `must have at most ${LIMITS.name} characters`),
    directorMac: hardwareAddress,
    recallMac: absent.or(hardwareAddress),
    leaseMs: z.int().min(0).max(MOST_LEASE_MS),
    connectionSeconds: z.int().min(0).max(MOST_SECONDS),
    directorIp: absent.or(ipv4Address),
    active: z.boolean(),
  })
  .refine(({ directorMac, recallMac }) => directorMac !== recallMac, {
    path: ['recallMac'],
    message: 'must differ from directorMac',
  })

/** What a director says of itself, checked here and nowhere else. A text: why all of it is refused. */
export function directorOf(message: RegistrationRequest__Output): DirectorInfo | string {
  const { success, data, error } = request.safeParse(message)
  if (!success) {
    const { path, message: why } = error.issues[0]!
    return `the director's offer is refused: ${path.join('.')} ${why}`
  }
  const { directorId, directorMac, recallMac, connectionSeconds, directorIp, leaseMs, active } = data
  return {
    id: directorId,
    mac: directorMac,
    ...(recallMac === undefined ? {} : { recallMac }),
    ...(connectionSeconds === 0 ? {} : { connectionSeconds }),
    ...(directorIp === undefined ? {} : { hostIp: directorIp }),
    leaseMs: Math.max(LEAST_LEASE_MS, leaseMs),
    active,
  }
}

/** Longest path (limits.h, PATH_MAX). */
const MOST_PATH = 4096

/** A place of a service file: a path that can be printed, and a line. */
const PLACE = z.object({
  file: z
    .string()
    .min(1, 'must not be empty')
    .max(MOST_PATH, `must have at most ${MOST_PATH} characters`)
    .regex(/^\P{Cc}*$/u, 'must not contain control characters'),
  line: z.int().min(1),
})

/** Why the director's service files are refused as a whole; undefined: they are good. Their text is checked when it is read. */
export function badDocuments({ documents, removed }: ServiceDocuments__Output): string | undefined {
  for (const place of [documents, removed].flat()) {
    const { error } = PLACE.safeParse(place)
    if (error === undefined) continue
    const { path, message } = error.issues[0]!
    return `the director's service files are refused: ${path.join('.')} ${message}`
  }
  return undefined
}
