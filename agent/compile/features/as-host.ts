import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import type { Action } from '../../../shared/openflow/types.ts'
import { PORT } from '../../../shared/openflow/types.ts'
import { pushTag } from '../parts.ts'
import { PRIORITY, TABLE } from '../tables.ts'
import type { HostContext } from '../types.ts'
import { onwards } from './overlay.ts'

/**
 * Forwards a rewritten packet as if the host had sent it. With the VM's port as in_port, NORMAL would learn the host's MAC on
 * that port and cut the host off. With CONTROLLER as in_port it learns nothing, takes tagged and untagged frames whatever the
 * VLAN of the bridge's own port, and outputs to the host itself too (ofproto-dpif-xlate.c, ofpp_none_bundle).
 *
 * On an overlay the next table recognises the host's frames by in_port LOCAL. NORMAL never outputs to the in_port, so frames for
 * the host itself need a rule of their own.
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
 * The last actions of a rule that rewrites a VM's packet. A network controller that forwards gets the packet with its original
 * in_port, because such pipelines recognise the sender by it.
 *
 * @param before - actions on the packet as it leaves
 */
export function sendAsHost(host: HostContext, tag: number | undefined, before: readonly Action[] = []): Action[] {
  if (host.overlay?.forwardTable !== undefined) return [...before, onwards(host)]
  return [...pushTag(tag), ...before, { type: 'resubmit', table: TABLE.asHost }]
}
