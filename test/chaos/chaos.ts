import { ACTS } from './acts/all.ts'
import { round } from './run.ts'
import type { Violation } from './sentences.ts'
import type { Act } from './types.ts'
import { createWorld, type World } from './world.ts'

export interface ChaosOptions {
  readonly seed: number
  readonly seconds: number
  /** Only acts whose name matches. */
  readonly only?: RegExp
  readonly say: (line: string) => void
  /** Is told the world as soon as there is one, so that it can be ended early. */
  readonly onWorld?: (world: World) => void
}

/** Acts go on for so long at most before the sentences are judged, s. */
const ROUND_S = 45

/** Rounds on one lab, each with a seed of its own, until the time is over or a sentence is false. It takes the lab down. */
export async function chaos({ seed, seconds, only, say, onWorld }: ChaosOptions): Promise<Violation[]> {
  const acts: readonly Act[] = ACTS.filter(({ name }) => only === undefined || only.test(name))
  const world = await createWorld()
  onWorld?.(world)
  try {
    const rounds = Math.max(1, Math.round(seconds / ROUND_S))
    for (let n = 0; n < rounds; n++) {
      say(`# seed ${seed}, round ${n + 1} of ${rounds}`)
      const violations = await round(world, { seed: seed * 1000 + n, seconds: seconds / rounds, acts, say })
      if (violations.length > 0) return violations
      say('the three sentences are true')
    }
    return []
  } finally {
    await world.down()
  }
}

/** For people: which sentence was false, and what shows it. */
export function report(violations: readonly Violation[]): string {
  return violations.map(({ sentence, evidence }) => [`\nFALSE: ${sentence}`, ...evidence].join('\n')).join('\n')
}
