import { watchServices } from '../../shared/config/watch.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** The host's own service files: read at once, watched when the first pass has had its turn. */
export function serviceFiles({ config, cells, store, late, log, clock }: House): Stop {
  const watch = watchServices({
    dir: config.servicesDir,
    log,
    clock,
    lastGood: store.serviceFiles.load(),
    watchAfter: late.due,
    onChange: cells.inputs.services.set,
  })
  cells.serviceFiles.set(watch)
  return () => watch.close()
}
