import { familyOf } from '../net/family.ts'
import type { Family } from '../net/types.ts'
import type { Action, Subfield } from '../openflow/types.ts'

/**
 * Registers of the client's address and port while they are hidden for a look-up in a connection table; an IPv6 address takes
 * two.
 */
const CLIENT = { IPv4: ['reg4'], IPv6: ['xreg4', 'xreg5'], port: 'reg5' } as const

/** The port of every hidden client. */
export const HIDDEN_PORT = 1

type Protocol = 'tcp' | 'udp'

/** Saves the client's address and port, for `showClient`. */
export function noteClient(family: Family, protocol: Protocol): readonly Action[] {
  return places(family, protocol).map(({ packet, register }) => ({ type: 'move', src: packet, dst: register }))
}

/** Replaces the client by what the netmask leaves of it, for a look-up in the connection table. */
export function hideClient(protocol: Protocol, mask: string): readonly Action[] {
  const family = familyOf(mask)
  const hidden = inverted(family, mask)
  return [
    ...(hidden === family.unspecified
      ? []
      : [{ type: 'set_field', field: family.fields.src, value: `${family.unspecified}/${hidden}` } as const]),
    { type: 'set_field', field: `${protocol}_src`, value: HIDDEN_PORT },
  ]
}

export function showClient(family: Family, protocol: Protocol): readonly Action[] {
  return places(family, protocol).map(({ packet, register }) => ({ type: 'move', src: register, dst: packet }))
}

/** Fields and registers to move, highest bits first. */
function places(
  family: Family,
  protocol: Protocol,
): readonly { readonly packet: Subfield; readonly register: Subfield }[] {
  const registers = CLIENT[family.name]
  const field = family.fields.src
  const bits = family.bits / registers.length
  const address = registers.map((register, i) => ({
    packet: registers.length === 1 ? { field } : { field, offset: family.bits - (i + 1) * bits, bits },
    register: { field: register },
  }))
  const port = { packet: { field: `${protocol}_src` }, register: { field: CLIENT.port, offset: 0, bits: 16 } } as const
  return [...address, port]
}

function inverted(family: Family, mask: string): string {
  return family.format(family.fromBytes(family.toBytes(family.parse(mask)!).map(byte => 255 - byte)))
}
