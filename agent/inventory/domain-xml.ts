import { XMLParser } from 'fast-xml-parser'
import { formatUuid, parseUuid } from '../../shared/libvirt/uuid.ts'
import type { Domain, DomainState, Nic } from './types.ts'

const LISTS = new Set(['domain.devices.interface', 'domain.devices.channel'])

/** virDomainState of libvirt/libvirt-domain.h; blocked (2) is running as seen from here. */
const STATES: Readonly<Record<number, DomainState>> = {
  1: 'running',
  2: 'running',
  3: 'paused',
  5: 'shutoff',
  6: 'crashed',
  7: 'suspended',
}

interface Element {
  readonly [name: string]: unknown
}

/** A domain from its XML (https://libvirt.org/formatdomain.html) and its state. Throws where the XML is not a domain. */
export function parseDomain(xml: string, state: number): Domain {
  const parser = new XMLParser({
    ignoreAttributes: false,
    parseAttributeValue: false,
    parseTagValue: false,
    isArray: (_name, path) => LISTS.has(String(path)),
  })
  const root = child(parser.parse(xml), 'domain')
  if (root === undefined) throw new Error('no <domain> element')
  const devices = child(root, 'devices') ?? {}
  const id = Number(attribute(root, 'id') ?? Number.NaN)
  return {
    uuid: formatUuid(parseUuid(words(root.uuid))),
    name: words(root.name),
    state: stateOf(state, id >= 0),
    nics: list(devices.interface).flatMap(nic),
    agentChannel: agentChannel(list(devices.channel)),
    runId: Number.isInteger(id) && id >= 0 ? id : undefined,
  }
}

/**
 * Throws for an active domain whose state libvirt does not know (0, VIR_DOMAIN_NOSTATE), as it is while libvirtd connects to
 * its QEMU processes again: whether such a domain runs is not known.
 */
function stateOf(state: number, active: boolean): DomainState {
  if (state === 0 && active) throw new Error('libvirt does not know its state')
  return STATES[state] ?? 'other'
}

function nic(element: Element): Nic[] {
  const mac = attribute(child(element, 'mac'), 'address')?.toLowerCase()
  if (mac === undefined) return []
  const source = child(element, 'source')
  return [
    {
      mac,
      // A running <interface type='network'> names the bridge of its network too; the bridge is what OVSDB knows.
      source: attribute(source, 'bridge') ?? attribute(source, 'network') ?? attribute(source, 'dev'),
      target: attribute(child(element, 'target'), 'dev'),
      interfaceId: attribute(child(child(element, 'virtualport'), 'parameters'), 'interfaceid')?.toLowerCase(),
    },
  ]
}

function agentChannel(channels: readonly Element[]): Domain['agentChannel'] {
  const targets = channels.map(channel => child(channel, 'target'))
  const target = targets.find(target => attribute(target, 'name') === 'org.qemu.guest_agent.0')
  if (target === undefined) return 'none'
  return attribute(target, 'state') === 'connected' ? 'connected' : 'disconnected'
}

function child(element: unknown, name: string): Element | undefined {
  const value = isElement(element) ? element[name] : undefined
  return isElement(value) ? value : undefined
}

function attribute(element: Element | undefined, name: string): string | undefined {
  const value = element?.[`@_${name}`]
  return typeof value === 'string' ? value : undefined
}

function list(value: unknown): readonly Element[] {
  return Array.isArray(value) ? value.filter(isElement) : []
}

/** The text of an element; one with attributes too is an object whose text is `#text`. */
function words(value: unknown): string {
  const found = isElement(value) ? value['#text'] : value
  if (typeof found !== 'string' || found === '') throw new Error('no name or uuid in the domain XML')
  return found
}

function isElement(value: unknown): value is Element {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
