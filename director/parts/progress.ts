import type { Stop } from '../../shared/run/lifecycle.ts'
import { serviceObject } from '../compile/compile.ts'
import type { CompiledService } from '../compile/types.ts'
import type { House } from '../house.ts'
import { createPanicLog } from '../outlets/panic-log.ts'
import { createRefusedLog } from '../outlets/refused-log.ts'
import { stopAll } from './stop-all.ts'

/**
 * Reports progress: in the timeline of status, and in the journal when a panic keeps failing real servers in scheduling, or a
 * service of a host is left out.
 */
export function progress({ applier, cells, outcomes, timeline, log, clock }: House): Stop {
  const logPanics = createPanicLog(log, service => cells.passive.get().judged(service))
  const refusedLog = createRefusedLog(log, clock)
  const unplug = outcomes.plug({
    name: 'progress',
    take: ({ altered, plan }, gone) => {
      logPanics(altered.services, gone.services)
      refusedLog.take(plan.problems)
      for (const [i, service] of altered.services.entries()) {
        const compiled = altered.compiled[i]!
        const ready = service.realServers.filter(rs => rs.state === 'ready')
        for (const rs of ready) timeline.reached('registered', `${service.service} ${rs.vm}`, rs.id)
        if (!applier.confirmed(serviceObject(compiled))) continue
        timeline.reached('flows', service.service, `${serving(compiled)} real servers in scheduling`)
      }
    },
  })
  return stopAll(unplug, refusedLog.close)
}

/** Number of real servers that may get new connections, whether or not they get any now. */
function serving({ targets }: CompiledService): number {
  return targets.filter(target => target.newConnections).length
}
