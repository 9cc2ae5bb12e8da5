import type { Log } from '../../shared/log.ts'
import { createOutlets, type Outlets } from '../../shared/run/outlets.ts'
import type { Removal, Removals } from '../../shared/run/removals.ts'
import type { Outcome } from '../outcome.ts'
import type { RealServer } from '../real-servers/types.ts'

/** Removed real servers, as outlets hear of them. */
export type Gone = readonly Removal<RealServer>[]

/** Those who act on the outcome of the agent's pass. A whole outcome has all real servers as altered. */
export type AgentOutlets = Outlets<Outcome, Gone>

export function createAgentOutlets(removals: Removals<RealServer>, log: Log): AgentOutlets {
  return createOutlets({
    removals,
    log,
    whole: (outcome: Outcome) => ({ ...outcome, altered: outcome.realServers }),
    gone: (pending: Gone) => pending,
  })
}
