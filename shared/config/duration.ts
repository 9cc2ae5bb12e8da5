import { z } from 'zod'

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** Milliseconds of `500ms`, `2s`, `1.5m`, `1h`, or of a number of seconds; undefined for any other text. */
export function parseDuration(value: number | string): number | undefined {
  if (typeof value === 'number') return value >= 0 && Number.isFinite(value) ? Math.round(value * 1000) : undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value)
  if (match === null) return undefined
  return Math.round(Number(match[1]) * UNITS[match[2] as keyof typeof UNITS])
}

/** Text of a duration as operators write it, in the largest unit that keeps it short. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`
  if (ms < 3_600_000) return `${Number((ms / 60_000).toFixed(1))} min`
  return `${Number((ms / 3_600_000).toFixed(1))} h`
}

/** A duration in a file, as milliseconds between `min` and `max`. */
export function duration(min: number, max: number) {
  return z.union([z.number(), z.string()]).transform((value, context) => {
    const ms = parseDuration(value)
    if (ms !== undefined && ms >= min && ms <= max) return ms
    const message =
      ms === undefined
        ? `'${value}' is not a duration, such as 500ms, 2s or 1m`
        : `must be from ${formatDuration(min)} to ${formatDuration(max)}, not ${value}`
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}
