import type { Schedule } from '../schedule/schedule.ts'
import type { Turns } from '../schedule/turns.ts'

type Choice = Pick<Schedule, 'shares' | 'turns'>

/** A share that is off by no more slots than this is not worth a change of the group. */
const SLACK_SLOTS = 2
const SLACK_PART = 0.1

/**
 * Whether the new choice is so close to the one in force that the switch need not be changed: the same turns; or the same real
 * servers, with no share off by more than two slots or a tenth.
 */
export function isSettled(before: Choice, after: Choice): boolean {
  if (before.turns !== undefined || after.turns !== undefined) return sameTurns(before.turns, after.turns)
  if (before.shares.length !== after.shares.length) return false
  return after.shares.every(({ id, slots }, i) => {
    const old = before.shares[i]!
    return old.id === id && Math.abs(old.slots - slots) <= Math.max(SLACK_SLOTS, SLACK_PART * old.slots)
  })
}

function sameTurns(before: Turns | undefined, after: Turns | undefined): boolean {
  if (before === undefined || after === undefined) return before === after
  const { order } = after
  return (
    before.again === after.again &&
    before.after === after.after &&
    before.order.length === order.length &&
    order.every((id, i) => before.order[i] === id)
  )
}
