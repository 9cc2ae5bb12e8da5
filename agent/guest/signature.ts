import { createHash } from 'node:crypto'

const LINE = /^# crossport ([0-9a-f.:]+) sha256:([0-9a-f]{16}) .*\n/m

/**
 * Our line in a file names the VIP and the digest of the rest. So a file tells without any record whether it is ours, for which
 * VIP, and whether somebody has edited it. It is the first line, or the second of a script.
 */
export function sign(vip: string, text: string): string {
  const line = `# crossport ${vip} sha256:${digest(text)} - written by crossport-agent; edit it and it will be left to you\n`
  const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0
  return text.slice(0, start) + line + text.slice(start)
}

export type Writer = 'nobody' | 'ours' | 'foreign'

/** Who wrote the file that is at our path. An empty file is one whose writing was interrupted. */
export function writerOf(content: string | undefined, vip: string): Writer {
  if (content === undefined || content === '') return 'nobody'
  const found = LINE.exec(content)
  if (found === null) return 'foreign'
  const before = content.slice(0, found.index)
  const rest = before + content.slice(found.index + found[0].length)
  const atTop = before === '' || /^#![^\n]*\n$/.test(before)
  return atTop && found[1] === vip && found[2] === digest(rest) ? 'ours' : 'foreign'
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
