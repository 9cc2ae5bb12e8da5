import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

/** Runs the loop from the first input on. It stops before the outlets and all else that it works on. */
export function reconcileLoop({ loop, applier, late }: House): Stop {
  return async () => {
    late.close()
    await loop.stop()
    applier.close()
  }
}
