import type { CheckTarget } from './types.ts'

/** A check in an operator's words: `http check of 10.10.1.100:8080/health`. */
export function checkText({ check, vip, port }: Pick<CheckTarget, 'check' | 'vip' | 'port'>): string {
  if (check.type === 'exec') return `exec check '${clipped(check.command.join(' '), 60)}'`
  const path = check.type === 'http' || check.type === 'https' ? check.path : ''
  return `${check.type} check of ${vip}:${port}${path}`
}

export function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}

/** The first line of a real server's answer, safe to print. */
export function firstLine(text: string): string {
  const line = text.trimStart().split(/\r?\n/, 1)[0] ?? ''
  return clipped(line.replace(/[^\x20-\x7e]/g, '?'), 80)
}
