import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createReleaser } from '../outlets/release.ts'
import { stopAll } from './stop-all.ts'

/**
 * Tells clients of removed real servers that their connections have ended. It runs before the accounts, in which it looks the
 * connections up.
 */
export function release({ accounts, cells, outcomes, log, clock }: House): Stop {
  const { switch: sw, site } = cells
  const releaser = createReleaser({ accounts, switch: sw.get, site: site.get, log, clock })
  const unplug = outcomes.plug({
    name: 'release',
    take: ({ altered }, gone) => releaser.update(altered.compiled, gone.compiled),
  })
  return stopAll(unplug, releaser.close)
}
