import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** The loop runs from the first input on. It has to be stopped before what it works on. */
export function reconcileLoop({ loop, applier, late }: House): Stop {
  return async () => {
    late.close()
    await loop.stop()
    applier.close()
  }
}
