import type { ServicesSnapshot } from '../../shared/config/snapshot.ts'
import { createSorryServices } from '../../shared/config/sorry-service.ts'
import { watchServices } from '../../shared/config/watch.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import { setInput } from '../cells.ts'
import type { House } from '../house.ts'

/** Follows the directory of service files. */
export function serviceFiles({ config, cells, store, timeline, log, clock }: House): Stop {
  const withSorryServices = createSorryServices()
  const onChange = (snapshot: ServicesSnapshot) => {
    const { specs, problems } = snapshot
    for (const { service, source } of specs) timeline.reached('file', service, `${source.file}:${source.line}`)
    timeline.forget('file', new Set(specs.map(({ service }) => service)))
    const complete = withSorryServices(specs)
    cells.services.set({ ...snapshot, specs: complete.specs, problems: [...problems, ...complete.problems] })
    if (snapshot.unread !== undefined) setInput(cells.inputStates.files, clock, 'away', snapshot.unread)
    else setInput(cells.inputStates.files, clock, 'in sync', `${specs.length} services, ${problems.length} problems`)
  }
  const watch = watchServices({ dir: config.servicesDir, log, clock, lastGood: store.files.load(), onChange })
  cells.reload.set(() => watch.reload())
  return () => watch.close()
}
