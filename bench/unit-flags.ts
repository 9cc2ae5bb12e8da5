import { readFileSync } from 'node:fs'

/** Node's options in a daemon's unit file. */
export function unitFlags(daemon: 'agent' | 'director'): string[] {
  const unit = readFileSync(new URL(`../systemd/crossport-${daemon}.service`, import.meta.url), 'utf8')
  const [, flags = ''] = /^ExecStart=\S*node (.*)\S*\/main\.ts/m.exec(unit) ?? []
  return flags.split(' ').filter(word => word.startsWith('--'))
}
