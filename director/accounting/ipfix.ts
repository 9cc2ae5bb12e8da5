import { CrossportError } from '../../shared/errors.ts'

/** Information elements (IANA's registry "IPFIX Information Elements") by name and number, as far as they are read here. */
const ELEMENTS = {
  octetDeltaCount: 1,
  packetDeltaCount: 2,
  protocolIdentifier: 4,
  sourceTransportPort: 7,
  sourceIPv4Address: 8,
  destinationTransportPort: 11,
  destinationIPv4Address: 12,
  sourceIPv6Address: 27,
  destinationIPv6Address: 28,
  sourceMacAddress: 56,
  vlanId: 58,
  destinationMacAddress: 80,
  observationPointId: 138,
  flowStartDeltaMicroseconds: 158,
  flowEndDeltaMicroseconds: 159,
} as const

type Name = keyof typeof ELEMENTS

type LongName = 'sourceIPv6Address' | 'destinationIPv6Address'

/**
 * One flow record: numbers in the units that the registry gives; addresses are numbers, too, those of
 * IPv6 bigints. Absent: not in the template.
 */
export type IpfixRecord = { readonly [name in Exclude<Name, LongName>]?: number } & {
  readonly [name in LongName]?: bigint
}

export interface IpfixMessage {
  /** Modulo 2^32. Open vSwitch counts the records up to and with this message's, in all domains together. */
  readonly sequence: number
  readonly domain: number
  readonly records: readonly IpfixRecord[]
  /** Sets of records whose template has not come. */
  readonly unreadable: number
}

interface Template {
  readonly fields: readonly { readonly name: Name | undefined; readonly length: number }[]
}

const NAMES: ReadonlyMap<number, Name> = new Map(Object.entries(ELEMENTS).map(([name, id]) => [id, name as Name]))
const LONG: ReadonlySet<Name> = new Set<LongName>(['sourceIPv6Address', 'destinationIPv6Address'])
const VERSION = 10
const SET = { TEMPLATE: 2, OPTIONS_TEMPLATE: 3, FIRST_DATA: 256 } as const
const VARIABLE = 0xffff
const ENTERPRISE = 0x8000

/**
 * Reads the messages of one exporting process (RFC 7011, section 3), whose templates it remembers: for all domains, as
 * Open vSwitch sends them once, in the domain that it exports first. Throws IPFIX_INVALID for what is no whole message.
 */
export function createIpfixReader(): (message: Buffer) => IpfixMessage {
  const templates = new Map<number, Template>()

  return message => {
    if (message.length < 16 || message.readUInt16BE(0) !== VERSION) throw invalid('is no IPFIX message')
    if (message.readUInt16BE(2) !== message.length)
      throw invalid(`says ${message.readUInt16BE(2)} bytes, but has ${message.length}`)
    const domain = message.readUInt32BE(12)
    const records: IpfixRecord[] = []
    let unreadable = 0
    for (let at = 16; at < message.length; ) {
      const length = at + 4 <= message.length ? message.readUInt16BE(at + 2) : 0
      if (length < 4 || at + length > message.length) throw invalid(`has a set at ${at} that does not end in it`)
      const id = message.readUInt16BE(at)
      const set = message.subarray(at + 4, at + length)
      if (id === SET.TEMPLATE || id === SET.OPTIONS_TEMPLATE) {
        // Before an options template's fields there is how many of them are its scope (3.4.2.2).
        for (const [template, found] of readTemplates(set, id === SET.TEMPLATE ? 4 : 6)) templates.set(template, found)
      } else if (id >= SET.FIRST_DATA) {
        const template = templates.get(id)
        if (template === undefined) unreadable++
        else readRecords(set, template, records)
      }
      at += length
    }
    return { sequence: message.readUInt32BE(8), domain, records, unreadable }
  }
}

function* readTemplates(set: Buffer, head: 4 | 6): Generator<[number, Template]> {
  // What is left at the end may be padding (3.3.1).
  for (let at = 0; at + head <= set.length; ) {
    const id = set.readUInt16BE(at)
    const count = set.readUInt16BE(at + 2)
    if (id < SET.FIRST_DATA) return
    at += head
    const fields: Template['fields'][number][] = []
    for (let i = 0; i < count; i++) {
      if (at + 4 > set.length) throw invalid(`has a template ${id} that is cut short`)
      const element = set.readUInt16BE(at)
      const length = set.readUInt16BE(at + 2)
      at += element & ENTERPRISE ? 8 : 4
      fields.push({ name: NAMES.get(element), length })
    }
    yield [id, { fields }]
  }
}

function readRecords(set: Buffer, { fields }: Template, records: IpfixRecord[]): void {
  const least = fields.reduce((sum, { length }) => sum + (length === VARIABLE ? 1 : length), 0)
  if (least === 0) return
  for (let at = 0; at + least <= set.length; ) {
    const record: { [name in Name]?: number | bigint } = {}
    for (const { name, length } of fields) {
      let size = length
      if (size === VARIABLE) {
        size = set[at++] ?? 0
        if (size === 255) {
          size = at + 2 <= set.length ? set.readUInt16BE(at) : set.length
          at += 2
        }
      }
      if (at + size > set.length) throw invalid('has a record that is cut short')
      if (name !== undefined) record[name] = LONG.has(name) ? long(set, at, size) : number(set, at, size)
      at += size
    }
    records.push(record as IpfixRecord)
  }
}

/** Unsigned, of any size: an exporter may leave leading zeros out (6.2). */
function number(bytes: Buffer, at: number, size: number): number {
  if (size <= 6) return size === 0 ? 0 : bytes.readUIntBE(at, size)
  return bytes.readUIntBE(at, size - 6) * 2 ** 48 + bytes.readUIntBE(at + size - 6, 6)
}

function long(bytes: Buffer, at: number, size: number): bigint {
  return size === 0 ? 0n : BigInt(`0x${bytes.toString('hex', at, at + size)}`)
}

function invalid(how: string): CrossportError {
  return new CrossportError('IPFIX_INVALID', `a message to the IPFIX collector ${how}`)
}
