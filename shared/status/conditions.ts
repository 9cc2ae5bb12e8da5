import type { ErrorCode } from '../errors.ts'
import type { Problem } from '../rpc/gen/crossport/v1/Problem.ts'

/** `note`: everything may be in force all the same. */
export type Severity = 'error' | 'warning' | 'note'

/** One thing that a condition has been found true of. */
export interface Finding {
  /** What it is about: file and place, VM, service, host, input. */
  readonly subject: string
  /** What is wrong, in words for the operator. */
  readonly message: string
  /** In place of the condition's own, where the facts tell more. */
  readonly code?: ErrorCode
  readonly severity?: Severity
}

/** Something that an operator is told. All but a note keeps a daemon from saying that everything is in force. */
export interface Condition<Facts> {
  readonly code: ErrorCode
  readonly severity: Severity
  /** Empty: all is well as far as this goes. Pure. */
  find(facts: Facts): Iterable<Finding>
}

/** All that is found, condition by condition. Everything is in force when there are only notes. */
export function* problemsOf<Facts>(conditions: readonly Condition<Facts>[], facts: Facts): Generator<Problem> {
  for (const { code, severity, find } of conditions)
    for (const finding of find(facts)) yield { code, severity, ...finding }
}

/** A finding where there is something to say, and none otherwise. */
export function found(subject: string, message: string | undefined): readonly Finding[] {
  return message === undefined ? [] : [{ subject, message }]
}
