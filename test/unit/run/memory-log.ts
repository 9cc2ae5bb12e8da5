import type { Log, LogFields } from '../../../shared/log.ts'

export interface Line extends LogFields {
  readonly level: string
  readonly message: string
}

/** A log that keeps its lines. */
export function memoryLog(lines: Line[] = [], base: LogFields = {}): Log & { readonly lines: Line[] } {
  const at =
    (level: string) =>
    (message: string, fields: LogFields = {}) => {
      lines.push({ ...base, ...fields, level, message })
    }
  return {
    lines,
    debug: at('debug'),
    info: at('info'),
    notice: at('notice'),
    warn: at('warn'),
    error: at('error'),
    with: fields => memoryLog(lines, { ...base, ...fields }),
  }
}
