import { fstatSync } from 'node:fs'
import { ERRORS } from '../errors.ts'
import type { LogFields } from '../log.ts'
import { catalogued, errorText, messageText, valueText } from './format.ts'
import { LEVELS, type Level } from './level.ts'

/**
 * True when stderr is the journal's stream: JOURNAL_STREAM holds its `device:inode` (systemd.exec(5)). A shell redirection inside
 * a unit leaves the variable set, so the numbers are compared.
 */
export function stderrIsJournal(env: NodeJS.ProcessEnv, fd = 2): boolean {
  const stream = env.JOURNAL_STREAM
  if (!stream) return false
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    return stream === `${dev}:${ino}`
  } catch {
    return false
  }
}

/**
 * One entry in journald's native form, as `NAME=value` byte strings. Our own fields are called CROSSPORT_…; all other names are
 * those of systemd.journal-fields(7). `logger`: the function whose caller logs.
 */
export function journalFields(
  identifier: string,
  level: Level,
  message: string,
  fields: LogFields,
  logger: Logger,
): Buffer[] {
  const { err, ...rest } = fields
  const known = catalogued(err)
  const entry: Record<string, string> = {
    MESSAGE: messageText(message, fields),
    PRIORITY: String(LEVELS[level]),
    SYSLOG_IDENTIFIER: identifier,
    ...codeFields(err, logger),
  }
  for (const [name, value] of Object.entries({ ...known?.fields, ...rest })) {
    if (value !== undefined) entry[journalName(name)] = valueText(value)
  }
  if (known) {
    entry.MESSAGE_ID = ERRORS[known.code].messageId
    entry.CROSSPORT_CODE = known.code
    entry.CROSSPORT_HINT = ERRORS[known.code].hint
  }
  if (err !== undefined) entry.CROSSPORT_ERROR = errorText(err)
  return Object.entries(entry).map(([name, value]) => Buffer.from(`${name}=${value}`))
}

/** `rsPort` → `CROSSPORT_RS_PORT`. Journal names are upper case, digits and underscores, 64 at most. */
export function journalName(name: string): string {
  const upper = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase()
  return `CROSSPORT_${upper}`.slice(0, 64)
}

type Logger = (...args: never[]) => unknown

/** The place where the error was made, or where the message was logged. */
function codeFields(err: unknown, logger: Logger): Record<string, string> {
  const stack = (err instanceof Error ? err.stack : undefined) ?? stackAbove(logger)
  for (const line of stack.split('\n')) {
    const frame = /^\s+at (?:(?:async )?(.+?) \()?(?:file:\/\/)?(\/[^()]+?):(\d+):\d+\)?$/.exec(line)
    if (!frame?.[2] || !frame[3]) continue
    return { CODE_FILE: frame[2], CODE_LINE: frame[3], ...(frame[1] ? { CODE_FUNC: frame[1] } : {}) }
  }
  return {}
}

/** File names would not do: in a package all code is in one file. */
function stackAbove(logger: Logger): string {
  const here: { stack?: string } = {}
  Error.captureStackTrace(here, logger)
  return here.stack ?? ''
}
