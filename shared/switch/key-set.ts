import type { Flow } from '../flows/types.ts'
import { flowKeyText } from '../openflow/text.ts'

export type FlowPlace = Pick<Flow, 'table' | 'priority' | 'match'>

/**
 * Which flow keys are, or once were, ours. Keys are worked out only when a stranger's flow comes to a table and
 * priority that we use, for most often none does and ten thousand keys cost as much as the bundle itself.
 */
export interface KeySet {
  note(flows: readonly FlowPlace[]): void
  has(flow: FlowPlace): boolean
}

/** How many flows may wait beyond the largest lot, so that years of small changes do not pile up. */
const SLACK = 4096

export function createKeySet(): KeySet {
  const places = new Set<number>()
  const keys = new Set<string>()
  let waiting: FlowPlace[] = []
  let largest = 0
  const place = ({ table, priority }: FlowPlace) => table * 0x10000 + priority

  const workOut = () => {
    for (const flow of waiting) keys.add(flowKeyText(flow))
    waiting = []
  }

  return {
    note: flows => {
      largest = Math.max(largest, flows.length)
      for (const flow of flows) {
        places.add(place(flow))
        waiting.push(flow)
      }
      if (waiting.length > SLACK + 2 * largest) workOut()
    },
    has: flow => {
      if (!places.has(place(flow))) return false
      workOut()
      return keys.has(flowKeyText(flow))
    },
  }
}
