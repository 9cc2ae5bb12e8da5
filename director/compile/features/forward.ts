import { encodeCookie } from '../../../shared/flows/cookie.ts'
import type { Flow } from '../../../shared/flows/types.ts'
import { toHost } from '../fabric.ts'
import { MARK, PRIORITY, TABLE } from '../tables.ts'
import type { CompiledService, Feature, Site, Target } from '../types.ts'
import { transport } from './transport.ts'

/** Direct routing: the IP addresses stay; the destination port and the hardware addresses change; the reply never comes here. */
export const forward: Feature = (site, service) => ({
  flows: service.targets.map(target => toTarget(site, service, target)),
})

function toTarget(site: Site, service: CompiledService, target: Target): Flow {
  const { protocol, port } = service
  return {
    table: TABLE.FORWARD,
    priority: PRIORITY.KNOWN,
    cookie: encodeCookie('director', 'forward', target.mark),
    match: { ...transport(service), [MARK]: target.mark },
    actions: [
      ...(target.ingressPort === port
        ? []
        : [{ type: 'set_field', field: `${protocol}_dst`, value: target.ingressPort } as const]),
      { type: 'resubmit', table: TABLE.SOURCE },
      ...toHost(site, target),
    ],
  }
}
