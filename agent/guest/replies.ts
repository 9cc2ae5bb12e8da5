import { z } from 'zod'
import { CrossportError } from '../../shared/errors.ts'

/** Shapes of the guest agent's replies. The guest is not trusted, so every reply has a shape and bounds. */
export const commandsReply = z.object({
  version: z.string().max(200),
  supported_commands: z.array(z.object({ name: z.string().max(100), enabled: z.boolean() })).max(1000),
})

export const interfacesReply = z
  .array(
    z.object({
      name: z.string().max(64),
      'hardware-address': z.string().max(64).optional(),
      'ip-addresses': z
        .array(
          z.object({
            'ip-address': z.string().max(64),
            'ip-address-type': z.string().max(16),
            prefix: z.int().min(0).max(128).optional(),
          }),
        )
        .max(4096)
        .optional(),
    }),
  )
  .max(4096)

export const pidReply = z.object({ pid: z.int().min(0) })

const MAX_OUTPUT = 64 * 1024
const output = z.base64().max(MAX_OUTPUT * 2)

export const execReply = z.object({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  signal: z.int().optional(),
  'out-data': output.optional(),
  'err-data': output.optional(),
})

export const handleReply = z.int()
export const readReply = z.object({ count: z.int(), 'buf-b64': output, eof: z.boolean() })
export const freezeReply = z.enum(['thawed', 'frozen'])
/** `id`: `mswindows`, or as in os-release(5). */
export const osReply = z.object({ id: z.string().max(100).optional() })
export const anyReply = z.unknown()

/** Throws GUEST_REPLY_INVALID with the first fault of the reply. */
export function checked<T>(schema: z.ZodType<T>, command: string, reply: unknown): T {
  const { success, data, error } = schema.safeParse(reply)
  if (success) return data
  const issue = error.issues[0]
  const where = issue?.path.length ? ` at ${issue.path.join('.')}` : ''
  throw new CrossportError('GUEST_REPLY_INVALID', `${command} answered nonsense${where}: ${issue?.message ?? ''}`)
}
