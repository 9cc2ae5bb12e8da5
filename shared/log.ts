/** What every room logs through. Fields become journal fields; names are upper case there (systemd.journal-fields(7)). */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  notice(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Log
}

/** `err` may carry any error: its code, message id, message and causes are written. */
export type LogFields = { readonly [name: string]: unknown; readonly err?: unknown }
