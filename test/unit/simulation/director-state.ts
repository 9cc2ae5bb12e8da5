import { ACCOUNTING } from '../../../director/compile/tables.ts'
import { flowContent, flowKey, groupContent } from '../../../shared/flows/key.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { familyOf } from '../../../shared/net/family.ts'
import type { SimulatedDirector } from './director.ts'
import { portOf, SERVICES, VIPS } from './director-world.ts'
import type { ModelSwitch } from './model-switch.ts'

/** A flow without an owner that the director knows. */
export const STRANGERS: Flow = { table: 0, priority: 7, cookie: 0x77n, match: { in_port: 3 }, actions: [] }

export const flowTexts = (flows: Iterable<Flow>) =>
  [...flows].map(flow => `${flowKey(flow)} ${flowContent(flow)}`).sort()

/** Everything that the director has made, as text: flows, groups, the offer, and services with accounts. */
export function stateOf({
  sw,
  director: { house },
}: {
  readonly sw: ModelSwitch
  readonly director: SimulatedDirector
}) {
  const offer = house.cells.offer.get()
  return {
    flows: flowTexts([...sw.flows.values()].filter(flow => flow.cookie !== STRANGERS.cookie)),
    groups: [...sw.groups.values()].map(group => `${group.id} ${groupContent(group)}`).sort(),
    offer: offer && { ...offer, documents: offer.documents.map(({ file, text }) => `${file} ${text}`) },
    accounts: accountsOf(house),
  }
}

/** Services that keep accounts: only these accept a record of a connection. */
export function accountsOf({ accounts, clock }: SimulatedDirector['house']): string[] {
  const listeners = VIPS.flatMap(vip =>
    SERVICES.flatMap(service => (['tcp', 'udp'] as const).map(protocol => ({ vip, port: portOf(service), protocol }))),
  )
  return listeners
    .filter(({ vip, port, protocol }) => {
      const address = familyOf(vip).parse(vip)!
      const record = {
        sourceIPv4Address: 1,
        sourceTransportPort: 1,
        destinationIPv4Address: Number(address),
        destinationTransportPort: port,
        protocolIdentifier: protocol === 'tcp' ? 6 : 17,
        observationPointId: 1,
        sourceMacAddress: 1,
      }
      accounts.add(record, ACCOUNTING.domain.opened, clock.now())
      return accounts.find({ vip: address, port, protocol }, { address: 1, port: 1 }) !== undefined
    })
    .map(({ vip, port, protocol }) => `${protocol} ${vip}:${port}`)
    .sort()
}
