import type { Part } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** The loop, which an input that changes wakes: it has only to be stopped before what it works on. */
export function loop({ loop, applier, late }: House): Part {
  return {
    name: 'reconcile loop',
    start: () => async () => {
      late.close()
      await loop.stop()
      applier.close()
    },
  }
}
