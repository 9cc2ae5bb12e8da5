import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { pushTag } from '../parts.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { onwards } from './overlay.ts'

/**
 * Forwards a rewritten packet as if the host had sent it. With in_port left at the VM's port, NORMAL would learn the
 * host's MAC there and cut the host off. From CONTROLLER it learns nothing, takes tagged and untagged frames alike
 * whatever VLAN the bridge's own port is in, and outputs to the host itself too (ofproto-dpif-xlate.c, ofpp_none_bundle).
 *
 * On an overlay the next table tells what is the host's by in_port: there it is LOCAL, which NORMAL never outputs to, so
 * what is for the host itself needs a rule of its own.
 */
export function asHostFlows(host: HostContext): Flow[] {
  if (host.overlay?.forwardTable !== undefined) return []
  const cookie = encodeCookie('agent', 'base', 0)
  const from = (port: number): Flow => ({
    table: TABLE.asHost,
    priority: PRIORITY.asHost,
    cookie,
    match: {},
    actions: [{ type: 'set_field', field: 'in_port', value: port }, onwards(host)],
  })
  if (host.overlay === undefined) return [from(PORT.CONTROLLER)]
  return [
    {
      table: TABLE.asHost,
      priority: PRIORITY.toHostItself,
      cookie,
      match: { eth_dst: host.hostMac },
      actions: [{ type: 'output', port: PORT.LOCAL }],
    },
    from(PORT.LOCAL),
  ]
}

/**
 * The end of a rewriting rule for packets of a VM. A network controller that forwards gets the packet as it came but
 * for what was rewritten: its in_port too, by which such pipelines know the sender.
 *
 * @param before - what is done with the packet as it leaves
 */
export function sendAsHost(host: HostContext, tag: number | undefined, before: readonly Action[] = []): Action[] {
  if (host.overlay?.forwardTable !== undefined) return [...before, onwards(host)]
  return [...pushTag(tag), ...before, { type: 'resubmit', table: TABLE.asHost }]
}
