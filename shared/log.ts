/** The log interface of all modules. Fields become journal fields, with upper-case names (systemd.journal-fields(7)). */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  notice(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Log
}

/** `err` may be any error: its code, message id, message and causes are written. */
export type LogFields = { readonly [name: string]: unknown; readonly err?: unknown }
