import { type DomainRef, domainRef, REMOTE_PROGRAM, text } from './message.ts'
import { type Codec, decode, int, struct } from './xdr.ts'

/** An event of one domain. */
export interface DomainEvent {
  readonly kind: EventKind
  readonly dom: DomainRef
  /** lifecycle: virDomainEventType; agentLifecycle: 1 connected, 2 disconnected. */
  readonly event?: number
  /** lifecycle: detail; agentLifecycle: reason. */
  readonly detail?: number
  /** deviceAdded, deviceRemoved: alias of the device in the domain's XML. */
  readonly device?: string
}

export type EventKind = 'lifecycle' | 'reboot' | 'deviceRemoved' | 'agentLifecycle' | 'deviceAdded'

interface EventKindRow {
  readonly kind: EventKind
  /** virDomainEventID, to register */
  readonly id: number
  /** procedure number of the message that arrives */
  readonly procedure: number
  readonly body: Codec<EventBody>
}

type EventBody = { callbackId: number; dom: DomainRef; event?: number; detail?: number; device?: string }

const plain = struct<EventBody>({ callbackId: int, dom: domainRef })
const numbers = struct<EventBody>({ callbackId: int, dom: domainRef, event: int, detail: int } as never)
const device = struct<EventBody>({ callbackId: int, dom: domainRef, device: text } as never)

// biome-ignore format: a table
export const EVENTS: readonly EventKindRow[] = [
  { kind: 'lifecycle', id: 0, procedure: 318, body: numbers },
  { kind: 'reboot', id: 1, procedure: 319, body: plain },
  { kind: 'deviceRemoved', id: 15, procedure: 333, body: device },
  { kind: 'agentLifecycle', id: 18, procedure: 348, body: numbers },
  { kind: 'deviceAdded', id: 19, procedure: 354, body: device },
]

/** Decodes an event message; undefined for an event that was not requested. Throws LIBVIRT_PROTOCOL. */
export function decodeEvent(program: number, procedure: number, body: Buffer): DomainEvent | undefined {
  if (program !== REMOTE_PROGRAM) return undefined
  const row = EVENTS.find(row => row.procedure === procedure)
  if (row === undefined) return undefined
  const { callbackId: _, ...rest } = decode(row.body, body)
  return { kind: row.kind, ...rest }
}

/** Requests the events of all domains, of all kinds above. */
export async function subscribe(
  call: (name: 'domainEventRegister', args: { eventId: number; dom: undefined }) => Promise<unknown>,
): Promise<void> {
  for (const { id } of EVENTS) await call('domainEventRegister', { eventId: id, dom: undefined })
}
