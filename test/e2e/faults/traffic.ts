import type { Lab } from '../../lab/lab.ts'
import { VIP } from '../fixture.ts'

/** What a client that asks again and again has seen. */
export interface Seen {
  readonly asked: number
  /** Not answered within two seconds. */
  readonly lost: number
  /** Longest time between two answers, ms. */
  readonly gap: number
  readonly by: ReadonlyMap<string, number>
}

/** Requests one after the other, each on a connection of its own, until `stop`. */
export function ask(lab: Lab, { url = `http://${VIP}/`, seconds = 2 } = {}): { stop(): Promise<Seen> } {
  const stopFile = `/run/stop-${Math.random().toString(36).slice(2)}`
  const script = `while [ ! -e ${stopFile} ]; do
    out=$(curl -s -m ${seconds} ${url}) || out=lost
    echo "$(date +%s%N) $out"
  done`
  const done = lab.client.exec(['sh', '-c', script], { timeoutMs: 280_000, check: false })
  return {
    stop: async () => {
      await lab.client.writeFile(stopFile, '')
      return evaluate((await done).stdout)
    },
  }
}

function evaluate(stdout: string): Seen {
  const by = new Map<string, number>()
  let [asked, lost, gap, last] = [0, 0, 0, 0]
  for (const line of stdout.split('\n')) {
    const [ns, who] = line.split(' ')
    if (ns === undefined || who === undefined) continue
    asked++
    if (who === 'lost') {
      lost++
      continue
    }
    by.set(who, (by.get(who) ?? 0) + 1)
    const at = Number(BigInt(ns) / 1000n) / 1000
    if (last > 0) gap = Math.max(gap, at - last)
    last = at
  }
  return { asked, lost, gap, by }
}

/** For a test's log: an outage in numbers. */
export function words({ asked, lost, gap }: Seen): string {
  return `${lost} of ${asked} requests lost, longest gap ${gap.toFixed(0)} ms`
}
