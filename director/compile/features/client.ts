import type { Action } from '../../../shared/openflow/types.ts'
import { CLIENT } from '../tables.ts'
import type { CompiledService } from '../types.ts'

/** The port that every hidden client has. */
const ANY_PORT = 1

/** Notes the client, for `showClient`. */
export function noteClient(service: CompiledService): readonly Action[] {
  return [
    { type: 'move', src: { field: 'ipv4_src' }, dst: { field: CLIENT.address } },
    { type: 'move', src: { field: portOf(service) }, dst: { field: CLIENT.port, offset: 0, bits: 16 } },
  ]
}

/** Makes the packet look, for the connection table, as if it came from what the netmask leaves of the client. */
export function hideClient(service: CompiledService, mask: string): readonly Action[] {
  return [
    ...(mask === '255.255.255.255'
      ? []
      : [{ type: 'set_field', field: 'ipv4_src', value: `0.0.0.0/${inverted(mask)}` } as const]),
    { type: 'set_field', field: portOf(service), value: ANY_PORT },
  ]
}

export function showClient(service: CompiledService): readonly Action[] {
  return [
    { type: 'move', src: { field: CLIENT.address }, dst: { field: 'ipv4_src' } },
    { type: 'move', src: { field: CLIENT.port, offset: 0, bits: 16 }, dst: { field: portOf(service) } },
  ]
}

const portOf = ({ protocol }: CompiledService) => `${protocol}_src` as const

function inverted(mask: string): string {
  return mask
    .split('.')
    .map(part => 255 - Number(part))
    .join('.')
}
