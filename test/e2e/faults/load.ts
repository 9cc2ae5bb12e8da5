import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import type { ExecutionContext } from 'ava'
import type { Lab } from '../../lab/lab.ts'
import { VIP } from '../fixture.ts'

const PROGRAM = path.join(import.meta.dirname, '../programs/open-loop.ts')
/** A client repeats an unanswered SYN after a second. */
const RESENT_MS = 900

/** Results of the clients; times in ms. */
export interface Seen {
  readonly sent: number
  /** Not answered within the timeout. */
  readonly lost: number
  /** Lost requests that were under way while their server was away (`Load.away`). */
  readonly lostAway: number
  /** Answered only after a retransmission. */
  readonly late: number
  /** Longest time between two answers. */
  readonly gap: number
  /** Number of answers, by VM. */
  readonly by: ReadonlyMap<string, number>
}

export interface Load {
  /** Nothing can serve while this runs: requests that are under way meanwhile are counted apart. */
  away<T>(work: () => Promise<T>): Promise<T>
  /** Resolves once each of these has answered, at any time since the load began. */
  answered(...names: readonly string[]): Promise<unknown>
  /** Ends the load; resolves once each request has ended. Logs the figures under `name`. */
  stop(name?: string): Promise<Seen>
}

interface Request {
  readonly at: number
  readonly took: number
  readonly who: string
}

/**
 * An open loop: a request every `everyMs`, each on a connection and with a timeout of its own, whatever happens to the others.
 */
export async function load(
  t: ExecutionContext,
  lab: Lab,
  { vip = VIP, port = 80, everyMs = 100, timeoutMs = 5000 } = {},
): Promise<Load> {
  const argv = [process.execPath, PROGRAM, vip, String(port), String(everyMs), String(timeoutMs)]
  const client = await lab.client.spawn(argv, { name: `load-${performance.now().toFixed(0)}` })
  t.teardown(async () => {
    client.kill('SIGKILL')
    await rm(client.log, { force: true })
  })
  await client.waitForLine(/./)
  const away: { from: number; to: number }[] = []
  return {
    away: async work => {
      const from = Date.now()
      const result = await work()
      away.push({ from, to: Date.now() })
      return result
    },
    answered: (...names) => Promise.all(names.map(name => client.waitForLine(new RegExp(` ${name}$`)))),
    stop: async name => {
      client.kill('SIGTERM')
      await client.exited
      const seen = evaluate(parse(await readFile(client.log, 'utf8')), away)
      t.log(name === undefined ? words(seen) : `${name}: ${words(seen)}`)
      return seen
    },
  }
}

function parse(text: string): Request[] {
  return text
    .split('\n')
    .map(line => line.split(' '))
    .filter(fields => fields.length === 3)
    .map(([at, took, who]) => ({ at: Number(at), took: Number(took), who: who! }))
}

function evaluate(requests: readonly Request[], away: readonly { from: number; to: number }[]): Seen {
  const lost = requests.filter(({ who }) => who === 'lost')
  const answered = requests.filter(({ who }) => who !== 'lost')
  const times = answered.map(({ at, took }) => at + took).sort((a, b) => a - b)
  const by = Map.groupBy(answered, ({ who }) => who)
  return {
    sent: requests.length,
    lost: lost.length,
    lostAway: lost.filter(({ at, took }) => away.some(({ from, to }) => at <= to && at + took >= from)).length,
    late: answered.filter(({ took }) => took > RESENT_MS).length,
    gap: times.reduce((gap, time, i) => Math.max(gap, time - (times[i - 1] ?? time)), 0),
    by: new Map([...by].map(([who, list]) => [who, list.length])),
  }
}

function words({ sent, lost, lostAway, late, gap }: Seen): string {
  const apart = lostAway === 0 ? '' : ` (${lostAway} of them while what serves them was away)`
  const again = late === 0 ? '' : `, ${late} answered after more than ${RESENT_MS} ms`
  return `${lost} of ${sent} requests lost${apart}${again}, longest gap ${gap.toFixed(0)} ms`
}
