import type { Schedule } from '../schedule/schedule.ts'

/** Slots by which a share may be off before it is worth a change of the group. */
const SLACK_SLOTS = 2
const SLACK_PART = 0.1

/**
 * Whether the new shares are so near to those in force that the switch can be left alone: nobody joins or leaves, and
 * no share is off by more than two slots or a tenth.
 */
export function isSettled(before: Pick<Schedule, 'shares'>, after: Pick<Schedule, 'shares'>): boolean {
  if (before.shares.length !== after.shares.length) return false
  return after.shares.every(({ id, slots }, i) => {
    const old = before.shares[i]!
    return old.id === id && Math.abs(old.slots - slots) <= Math.max(SLACK_SLOTS, SLACK_PART * old.slots)
  })
}
