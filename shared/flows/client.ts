import type { Action } from '../openflow/types.ts'

/** The client's address and port while they are hidden for a look-up in a connection table. */
export const CLIENT = { address: 'reg4', port: 'reg5' } as const

/** The port that every hidden client has. */
export const HIDDEN_PORT = 1

type Protocol = 'tcp' | 'udp'

/** Notes the client, for `showClient`. */
export function noteClient(protocol: Protocol): readonly Action[] {
  return [
    { type: 'move', src: { field: 'ipv4_src' }, dst: { field: CLIENT.address } },
    { type: 'move', src: { field: `${protocol}_src` }, dst: { field: CLIENT.port, offset: 0, bits: 16 } },
  ]
}

/** Makes the packet look, for the connection table, as if it came from what the netmask leaves of the client. */
export function hideClient(protocol: Protocol, mask: string): readonly Action[] {
  return [
    ...(mask === '255.255.255.255'
      ? []
      : [{ type: 'set_field', field: 'ipv4_src', value: `0.0.0.0/${inverted(mask)}` } as const]),
    { type: 'set_field', field: `${protocol}_src`, value: HIDDEN_PORT },
  ]
}

export function showClient(protocol: Protocol): readonly Action[] {
  return [
    { type: 'move', src: { field: CLIENT.address }, dst: { field: 'ipv4_src' } },
    { type: 'move', src: { field: CLIENT.port, offset: 0, bits: 16 }, dst: { field: `${protocol}_src` } },
  ]
}

function inverted(mask: string): string {
  return mask
    .split('.')
    .map(part => 255 - Number(part))
    .join('.')
}
