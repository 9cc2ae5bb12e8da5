import { createHash } from 'node:crypto'

/**
 * Our first line of a file names the VIP and the digest of the rest. So a file tells without any record whether it is ours, for
 * which VIP, and whether somebody has edited it.
 */
export function sign(vip: string, text: string): string {
  return `# crossport ${vip} sha256:${digest(text)} - written by crossport-agent; edit it and it will be left to you\n${text}`
}

export type Owner = 'nobody' | 'ours' | 'foreign'

/** An empty file at our path is one whose writing was interrupted. */
export function ownerOf(content: string | undefined, vip: string): Owner {
  if (content === undefined || content === '') return 'nobody'
  const end = content.indexOf('\n')
  const found = /^# crossport ([0-9a-f.:]+) sha256:([0-9a-f]{16}) /.exec(content.slice(0, end + 1))
  return found?.[1] === vip && found[2] === digest(content.slice(end + 1)) ? 'ours' : 'foreign'
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
