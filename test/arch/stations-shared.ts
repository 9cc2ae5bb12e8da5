export const SHARED: readonly (readonly string[])[] = [
  ['address', 'chunks.ts', 'errors.ts', 'installation.ts', 'lists.ts', 'log.ts'],
  ['pki'],
  ['openflow', 'rpc', 'run', 'wire'],
  ['config', 'identity', 'libvirt', 'log', 'net', 'ovsdb'],
  ['flows', 'packet', 'sqlite'],
  ['switch'],
  ['apply'],
  ['status', 'command.ts'],
  ['daemon.ts'],
]
