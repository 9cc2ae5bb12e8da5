import { kindCookie } from '../flows/cookie.ts'
import type { FlowList } from '../flows/types.ts'

const TURN = kindCookie('director', 'turn')

/** The same flows. Once they have been iterated, `countable` is the number of those that are not of kind 'turn'. */
export function countable(list: FlowList) {
  let turns = 0
  return {
    length: list.length,
    get countable() {
      return list.length - turns
    },
    *[Symbol.iterator]() {
      turns = 0
      for (const flow of list) {
        if ((flow.cookie & TURN.mask) === TURN.cookie) turns++
        yield flow
      }
    },
  }
}
