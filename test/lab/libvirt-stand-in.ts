import { AGENT_UNRESPONSIVE, ARGUMENT_UNSUPPORTED, INTERNAL_ERROR, NO_DOMAIN } from '../../shared/libvirt/errors.ts'
import { EVENTS } from '../../shared/libvirt/events.ts'
import * as m from '../../shared/libvirt/message.ts'
import { encode } from '../../shared/libvirt/xdr.ts'
import type { Cleanup } from '../segment/cleanup.ts'
import { type FakeCall, serveFakeLibvirtd } from '../segment/fake-libvirtd.ts'

/** A VM as libvirt knows it. */
export interface StandInDomain {
  readonly uuid: string
  readonly name: string
  /** The domain's XML as libvirt would write it now. */
  xml(): string
  /** -1 while it is not running. */
  readonly id: number
  /** The guest agent's answer to one command; undefined where the domain has no channel. */
  readonly agent: ((json: string) => Promise<string>) | undefined
}

export interface LibvirtStandIn {
  /** The domain has started or stopped: subscribers of lifecycle events get an event. */
  changed(domain: StandInDomain): void
}

/** virDomainState, virDomainEventType */
const [RUNNING, SHUTOFF] = [1, 5]
const [STARTED, STOPPED] = [2, 5]
const LIFECYCLE = EVENTS.find(({ kind }) => kind === 'lifecycle')!

/**
 * Replaces libvirt where there is no QEMU (on a test machine without fast emulation): answers crossport's calls from what the lab
 * knows about its VMs, and passes guest agent commands on.
 */
export async function serveLibvirt(
  cleanup: Cleanup,
  socket: string,
  domains: () => readonly StandInDomain[],
): Promise<LibvirtStandIn> {
  const heard = new Map<FakeCall['socket'], number>()
  const fake = await serveFakeLibvirtd(cleanup, socket, call => {
    const { name, args } = call
    const wanted = (args.dom as m.DomainRef | undefined)?.uuid
    const domain = domains().find(({ uuid }) => uuid.replaceAll('-', '') === wanted)
    if (name === 'connectListAllDomains') {
      const list = domains().map(ref)
      return call.reply({ domains: list, count: list.length })
    }
    if (name === 'domainEventRegister') {
      if (args.eventId === LIFECYCLE.id) heard.set(call.socket, LIFECYCLE.id)
      return call.reply({ callbackId: args.eventId })
    }
    if (domain === undefined) return call.error(NO_DOMAIN, 'Domain not found')
    if (name === 'domainGetState') return call.reply({ state: domain.id >= 0 ? RUNNING : SHUTOFF, reason: 1 })
    if (name === 'domainGetXml') return call.reply({ xml: domain.xml() })
    if (name === 'domainAgentSetTimeout') return call.reply({ result: 0 })
    if (name === 'domainAgentCommand') return void command(call, domain)
    return call.error(INTERNAL_ERROR, `the stand-in for libvirt knows no ${name}`)
  })
  fake.onMessage = ({ program, procedure, serial }, socket) => {
    if (program !== m.KEEPALIVE_PROGRAM || procedure !== m.KEEPALIVE_PING) return
    const pong = { program, version: m.PROTOCOL_VERSION, procedure: m.KEEPALIVE_PONG, type: m.MESSAGE }
    socket.write(m.packMessage({ ...pong, serial, status: m.OK }))
  }
  return {
    changed: domain => {
      const event = domain.id >= 0 ? STARTED : STOPPED
      const body = encode(LIFECYCLE.body, { callbackId: LIFECYCLE.id, dom: ref(domain), event, detail: 0 })
      const header = { program: m.REMOTE_PROGRAM, version: m.PROTOCOL_VERSION, procedure: LIFECYCLE.procedure }
      for (const socket of fake.connections)
        if (heard.has(socket))
          socket.write(m.packMessage({ ...header, type: m.MESSAGE, serial: 0, status: m.OK }, body))
    },
  }
}

async function command(call: FakeCall, domain: StandInDomain): Promise<void> {
  const json = String(call.args.command)
  if (domain.agent === undefined)
    return call.error(ARGUMENT_UNSUPPORTED, 'argument unsupported: QEMU guest agent is not configured')
  if (domain.id < 0)
    return call.error(AGENT_UNRESPONSIVE, 'Guest agent is not responding: QEMU guest agent is not connected')
  try {
    const result = await domain.agent(json)
    const failed = (JSON.parse(result) as { error?: { desc: string } }).error
    if (failed === undefined) return call.reply({ result })
    const { execute } = JSON.parse(json) as { execute: string }
    call.error(INTERNAL_ERROR, `internal error: unable to execute QEMU agent command '${execute}': ${failed.desc}`)
  } catch (error) {
    call.error(AGENT_UNRESPONSIVE, `Guest agent is not responding: ${(error as Error).message}`)
  }
}

function ref({ name, uuid, id }: StandInDomain): m.DomainRef {
  return { name, uuid: uuid.replaceAll('-', ''), id }
}
