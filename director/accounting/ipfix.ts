import { CrossportError } from '../../shared/errors.ts'

/**
 * The information elements that are read here (IANA's registry "IPFIX Information Elements"): number, and length in bytes as Open
 * vSwitch sends them (ofproto/ipfix-entities.def).
 */
const ELEMENTS = {
  octetDeltaCount: [1, 8],
  packetDeltaCount: [2, 8],
  protocolIdentifier: [4, 1],
  sourceTransportPort: [7, 2],
  sourceIPv4Address: [8, 4],
  destinationTransportPort: [11, 2],
  destinationIPv4Address: [12, 4],
  sourceIPv6Address: [27, 16],
  destinationIPv6Address: [28, 16],
  sourceMacAddress: [56, 6],
  vlanId: [58, 2],
  destinationMacAddress: [80, 6],
  observationPointId: [138, 4],
  flowStartDeltaMicroseconds: [158, 4],
  flowEndDeltaMicroseconds: [159, 4],
} as const satisfies Record<string, readonly [number: number, bytes: number]>

type Name = keyof typeof ELEMENTS

type LongName = 'sourceIPv6Address' | 'destinationIPv6Address'

/**
 * One flow record. Values have the units of the registry. Addresses are numbers (IPv4) or bigints (IPv6). An absent value is not
 * in the template.
 */
export type IpfixRecord = { readonly [name in Exclude<Name, LongName>]?: number } & {
  readonly [name in LongName]?: bigint
}

export interface IpfixMessage {
  /** Sequence number, modulo 2^32. Open vSwitch counts the records of all domains, those of this message included. */
  readonly sequence: number
  readonly domain: number
  readonly records: readonly IpfixRecord[]
  /** Number of sets whose template has not arrived. */
  readonly unreadable: number
}

interface Field {
  readonly name: Name | undefined
  readonly length: number
}

interface Template {
  readonly fields: readonly Field[]
  /** Least length of a record in bytes. */
  readonly least: number
}

/**
 * Bounds of the templates that Open vSwitch may send: it has some forty, with ids below 512, up to 63 fields, and records of at
 * least 12 bytes. Every field has at least one byte, so reading takes time in proportion to the message's length.
 */
const BOUNDS = { ids: 512, fields: 128, recordBytes: 12 } as const

const NAMES: ReadonlyMap<number, Name> = new Map(
  Object.entries(ELEMENTS).map(([name, [number]]) => [number, name as Name]),
)
const LONG: ReadonlySet<Name> = new Set<LongName>(['sourceIPv6Address', 'destinationIPv6Address'])
const VERSION = 10
const SET = { TEMPLATE: 2, OPTIONS_TEMPLATE: 3, FIRST_DATA: 256 } as const
const VARIABLE = 0xffff
const ENTERPRISE = 0x8000

/**
 * Reads the messages of one exporting process (RFC 7011, section 3). It keeps one set of templates for all domains, because Open
 * vSwitch sends templates only in the first domain that it exports. Throws IPFIX_INVALID for an incomplete message, and for a
 * template that Open vSwitch would not send.
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
        // In an options template, the number of scope fields comes before the fields (3.4.2.2).
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
  // The end of a set may be padding (3.3.1).
  for (let at = 0; at + head <= set.length; ) {
    const id = set.readUInt16BE(at)
    const count = set.readUInt16BE(at + 2)
    if (id < SET.FIRST_DATA) return
    if (id >= BOUNDS.ids || count > BOUNDS.fields) throw invalid(`has a template ${id} of ${count} fields`)
    at += head
    const fields: Field[] = []
    for (let i = 0; i < count; i++) {
      if (at + 4 > set.length) throw invalid(`has a template ${id} that is cut short`)
      const element = set.readUInt16BE(at)
      fields.push(readField(element, set.readUInt16BE(at + 2)))
      at += element & ENTERPRISE ? 8 : 4
    }
    const least = fields.reduce((sum, { length }) => sum + (length === VARIABLE ? 1 : length), 0)
    if (least < BOUNDS.recordBytes) throw invalid(`has a template ${id} of records of ${least} bytes`)
    yield [id, { fields, least }]
  }
}

function readField(element: number, length: number): Field {
  const name = NAMES.get(element)
  if (length === 0 || (name !== undefined && length !== ELEMENTS[name][1]))
    throw invalid(`has a template with ${length} bytes for element ${element}`)
  return { name, length }
}

function readRecords(set: Buffer, { fields, least }: Template, records: IpfixRecord[]): void {
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
      if (name !== undefined)
        record[name] = LONG.has(name) ? BigInt(`0x${set.toString('hex', at, at + size)}`) : number(set, at, size)
      at += size
    }
    records.push(record as IpfixRecord)
  }
}

/** Reads an unsigned number of 1 to 8 bytes. */
function number(bytes: Buffer, at: number, size: number): number {
  if (size <= 6) return bytes.readUIntBE(at, size)
  return bytes.readUIntBE(at, size - 6) * 2 ** 48 + bytes.readUIntBE(at + size - 6, 6)
}

function invalid(how: string): CrossportError {
  return new CrossportError('IPFIX_INVALID', `a message to the IPFIX collector ${how}`)
}
