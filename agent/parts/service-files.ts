import { watchServices } from '../../shared/config/watch.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** The host's own service files: read at the start, watched after the first pass. */
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
