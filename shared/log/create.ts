import { writeSync } from 'node:fs'
import type { Log, LogFields } from '../log.ts'
import { type Clock, systemClock } from '../run/clock.ts'
import { loadLibsystemd } from '../run/libsystemd.ts'
import { messageText } from './format.ts'
import { journalFields, stderrIsJournal } from './journal.ts'
import { LEVELS, type Level } from './level.ts'
import { createLimiter } from './limit.ts'

export interface CreateLogOptions {
  /** SYSLOG_IDENTIFIER; without it the journal would show the process name, which is Node's. */
  readonly identifier: string
  /** Least severe level that is written; default 'info'. */
  readonly level?: Level
  /** Destination; by default JOURNAL_STREAM decides. */
  readonly to?: 'journal' | 'stderr'
  readonly clock?: Clock
  readonly env?: NodeJS.ProcessEnv
  /** Receives finished lines instead of stderr. */
  readonly writeLine?: (line: string) => void
  /** Receives journal entries instead of libsystemd. Returns 0 or a negative errno. */
  readonly sendEntry?: (fields: readonly Buffer[]) => number
}

type PlainSink = (level: Level, message: string, fields: LogFields) => void
/** `logger`: the function whose caller logs. */
type Sink = (...args: [...Parameters<PlainSink>, logger: Log[Level]]) => void

/**
 * Makes a logger that uses journald's native protocol where stderr is the journal, and writes readable lines to stderr everywhere
 * else. Repetitions of a message are held back (shared/log/limit.ts), except debug messages. Never throws.
 */
export function createLog(options: CreateLogOptions): Log {
  const { identifier, level = 'info', clock = systemClock, env = process.env } = options
  const stderr = stderrSink(clock, options.writeLine ?? (line => writeStderr(line)))
  const wantsJournal = (options.to ?? (stderrIsJournal(env) ? 'journal' : 'stderr')) === 'journal'
  const sink = wantsJournal ? journalSink(identifier, stderr, options.sendEntry) : stderr
  return logger(limited(sink, clock), LEVELS[level], {})
}

function logger(sink: Sink, threshold: number, bound: LogFields): Log {
  const at = (level: Level): Log[Level] => {
    const log: Log[Level] = (message, fields) => {
      if (LEVELS[level] <= threshold) sink(level, message, fields ? { ...bound, ...fields } : bound, log)
    }
    return log
  }
  return {
    debug: at('debug'),
    info: at('info'),
    notice: at('notice'),
    warn: at('warn'),
    error: at('error'),
    with: fields => logger(sink, threshold, { ...bound, ...fields }),
  }
}

function limited(sink: Sink, clock: Clock): Sink {
  const limiter = createLimiter({ clock })
  return (level, message, fields, logger) => {
    for (const [key, heldBack] of limiter.expired()) {
      const [was, text] = JSON.parse(key) as [Level, string]
      sink(was, `${heldBack} more times: ${text}`, {}, logger)
    }
    if (level === 'debug' || limiter.admit(limitKey(level, message, fields))) {
      sink(level, message, fields, logger)
    }
  }
}

/** Key of equal messages: leaves out the numbers that retries count with, durations and attempts. */
function limitKey(level: Level, message: string, fields: LogFields): string {
  const steady = Object.entries(fields).filter(([name]) => !/^(failures|attempts?|.*Ms)$/.test(name))
  const text = messageText(message, Object.fromEntries(steady)).replace(/\b\d+(\.\d+)? ?(ms|s)\b/g, '… $2')
  return JSON.stringify([level, text])
}

function journalSink(identifier: string, fallback: PlainSink, given?: (fields: readonly Buffer[]) => number): Sink {
  const library = given ? { journalSend: given } : loadLibsystemd()
  if (library instanceof Error) {
    fallback('warn', 'libsystemd cannot be loaded: the journal gets plain lines without fields', { err: library })
    return fallback
  }
  return (level, message, fields, logger) => {
    const entry = journalFields(identifier, level, message, fields, logger)
    if (library.journalSend(entry) < 0) fallback(level, message, fields)
  }
}

const stderrSink =
  (clock: Clock, writeLine: (line: string) => void): PlainSink =>
  (level, message, fields) =>
    writeLine(`${clock.wall().toISOString()} ${level.toUpperCase().padEnd(6)} ${messageText(message, fields)}`)

function writeStderr(line: string): void {
  try {
    writeSync(2, `${line}\n`)
  } catch {
    // A closed or full stderr (EPIPE, EAGAIN) must not end the daemon.
  }
}
