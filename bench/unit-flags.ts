import { readFileSync } from 'node:fs'

/** Node's options in a daemon's unit file. */
export function unitFlags(daemon: 'agent' | 'director'): string[] {
  const [, flags = ''] = /^ExecStart=\S*node (.*)\S*\/main\.ts/m.exec(unitOf(daemon)) ?? []
  return flags.split(' ').filter(word => word.startsWith('--'))
}

/** The unit file's environment. Compiled code is kept in `cache`, which is empty at the first start of a suite. */
export function unitEnvironment(daemon: 'agent' | 'director', cache: string): Record<string, string> {
  const lines = unitOf(daemon).matchAll(/^Environment=(\w+)=(.*)$/gm)
  return Object.fromEntries(lines.map(([, name, value]) => [name, value!.startsWith('%C/') ? cache : value]))
}

const unitOf = (daemon: string) =>
  readFileSync(new URL(`../systemd/crossport-${daemon}.service`, import.meta.url), 'utf8')
