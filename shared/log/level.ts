/** Levels from most to least severe, with their syslog priority (sd-daemon(3)). */
export const LEVELS = { error: 3, warn: 4, notice: 5, info: 6, debug: 7 } as const

export type Level = keyof typeof LEVELS
