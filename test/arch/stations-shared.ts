export const SHARED: readonly (readonly string[])[] = [
  ['address', 'chunks.ts', 'errors.ts', 'installation.ts', 'lists.ts', 'log.ts'],
  ['openflow', 'rpc', 'run', 'wire'],
  ['config', 'libvirt', 'log', 'net', 'ovsdb'],
  ['flows', 'packet', 'sqlite'],
  ['switch'],
  ['apply'],
  ['status'],
]
