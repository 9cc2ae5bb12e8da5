import type { LibvirtConnection } from '../../shared/libvirt/connection.ts'
import { libvirtCode, NO_DOMAIN } from '../../shared/libvirt/errors.ts'
import { formatUuid, parseUuid } from '../../shared/libvirt/uuid.ts'
import { parseDomain } from './domain-xml.ts'
import type { Domain } from './types.ts'

/** Names of all domains by UUID, running or not. */
export async function listDomains(connection: LibvirtConnection): Promise<ReadonlyMap<string, string>> {
  const { domains } = await connection.call('connectListAllDomains', { needResults: 1, flags: 0 })
  return new Map(domains.map(({ uuid, name }) => [formatUuid(uuid), name]))
}

/** One domain as it is now; undefined when there is none with this UUID (any more). */
export async function readDomain(connection: LibvirtConnection, uuid: string): Promise<Domain | undefined> {
  // libvirtd finds a domain by its UUID alone; name and id of the reference are for messages.
  const dom = { name: '', uuid: parseUuid(uuid), id: -1 }
  try {
    const [{ state }, { xml }] = await Promise.all([
      connection.call('domainGetState', { dom, flags: 0 }),
      connection.call('domainGetXml', { dom, flags: 0 }),
    ])
    return parseDomain(xml, state)
  } catch (error) {
    if (libvirtCode(error) === NO_DOMAIN) return undefined
    throw error
  }
}
