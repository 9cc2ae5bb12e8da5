import { CrossportError } from '../../shared/errors.ts'
import { afterReading } from '../../shared/run/after-reading.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Outbox } from './outbox.ts'

/** What is known of an agent's stream, in milliseconds of the clock. */
export interface Waited {
  /** When it was asked to register; undefined: not yet. */
  askedAt: number | undefined
  /** When anything came after it had registered; undefined: it has not registered. */
  heardAt: number | undefined
  readonly outbox: Pick<Outbox, 'stuckSince'>
  /** When the certificate that it has shown ends; undefined: it has shown none. */
  readonly endsAt?: number | undefined
}

/** An agent registers at once, or within the 5 s that it waits for its guests; and it reads what it is told. */
const PATIENCE_MS = 15_000
const LOOK_MS = 1000
/** A look that comes later than this: the process was held up, and cannot tell who was late. */
const HELD_UP_MS = 1000

/** Why a stream is of no use any more; undefined: it is. An agent is heard three times a lease. */
export function overdue(
  { askedAt, heardAt, outbox, endsAt }: Waited,
  now: number,
  leaseMs: number,
): string | undefined {
  const since = (at: number | undefined) => (at === undefined ? 0 : now - at)
  if (endsAt !== undefined && now >= endsAt) return 'the certificate that it was begun with has ended'
  if (since(outbox.stuckSince) > PATIENCE_MS) return `it has not read what it is told for ${PATIENCE_MS / 1000} s`
  if (heardAt === undefined)
    return since(askedAt) > PATIENCE_MS ? `it has not registered within ${PATIENCE_MS / 1000} s` : undefined
  const silence = Math.max(2 * leaseMs, PATIENCE_MS)
  return since(heardAt) > silence ? `nothing was heard of it for ${Math.round(silence / 1000)} s` : undefined
}

/** Ends streams that would stay for ever: looks at all of them once a second. Returns what ends that. */
export function watchStreams<Call>(options: {
  readonly clock: Clock
  readonly streams: ReadonlyMap<Call, Waited>
  readonly leaseMs: number
  end(call: Call, error: CrossportError): void
}): () => void {
  const { clock, streams, leaseMs, end } = options
  let cancel = () => {}
  const arm = () => {
    const due = clock.now() + LOOK_MS
    cancel = afterReading(clock, LOOK_MS, () => {
      const now = clock.now()
      if (now - due > HELD_UP_MS) excuse(streams.values(), now)
      for (const [call, waited] of [...streams]) {
        const reason = overdue(waited, now, leaseMs)
        if (reason !== undefined) end(call, new CrossportError('AGENT_SILENT', `the stream is ended: ${reason}`))
      }
      arm()
    })
  }
  arm()
  return () => cancel()
}

function excuse(all: Iterable<Waited>, now: number): void {
  for (const waited of all) {
    if (waited.askedAt !== undefined) waited.askedAt = now
    if (waited.heardAt !== undefined) waited.heardAt = now
  }
}
