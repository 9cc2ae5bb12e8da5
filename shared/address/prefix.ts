import { parseIpv4 } from './ipv4.ts'
import { parseIpv6 } from './ipv6.ts'

/** True when the address is in the block (RFC 4632: `10.10.1.0/24`). False for texts that are neither, or of another family. */
export function inPrefix(address: string, block: string): boolean {
  const [network = '', length = ''] = block.split('/')
  const [a, b] = [read(address), read(network)]
  if (a === undefined || b === undefined || a.bits !== b.bits || !/^\d{1,3}$/.test(length)) return false
  const rest = BigInt(a.bits - Number(length))
  return rest >= 0n && a.value >> rest === b.value >> rest
}

function read(text: string): { readonly value: bigint; readonly bits: number } | undefined {
  const v4 = parseIpv4(text)
  if (v4 !== undefined) return { value: BigInt(v4), bits: 32 }
  const v6 = parseIpv6(text)
  return v6 === undefined ? undefined : { value: v6, bits: 128 }
}
