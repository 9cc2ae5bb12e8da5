import { readFileSync } from 'node:fs'
import { portsConnectedTo } from '../../../director/accounting/exporter.ts'
import { createIpfixReader } from '../../../director/accounting/ipfix.ts'
import type { Target } from '../engine.ts'

const vectors = JSON.parse(
  readFileSync(new URL('../../unit/accounting/vswitchd.json', import.meta.url), 'utf8'),
) as Record<string, string>
const bytes = (...names: readonly string[]) => Buffer.concat(names.map(name => Buffer.from(vectors[name]!, 'hex')))

/** The datagrams of an exporter, one behind the other. */
export const ipfix: Target = {
  name: 'ipfix',
  seeds: [
    bytes('template', 'record'),
    bytes('optionsTemplate', 'options'),
    bytes('record', 'template', 'record', 'record'),
  ],
  refuses: ['IPFIX_INVALID'],
  run: input => {
    portsConnectedTo(input.toString('latin1'), 4739, 0)
    const read = createIpfixReader()
    for (let at = 0; at < input.length; ) {
      const length = at + 4 <= input.length ? input.readUInt16BE(at + 2) : 0
      const message = input.subarray(at, length < 16 ? input.length : at + length)
      const { records } = read(message)
      if (records.length * 12 > message.length) throw new Error(`${records.length} records of ${message.length} bytes`)
      at += message.length
    }
  },
}
