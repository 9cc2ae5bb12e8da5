import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Lab } from '../lab/lab.ts'
import { guestImage } from '../lab/paths.ts'
import type { LabProcess } from '../lab/place.ts'

const PROGRAM = path.join(import.meta.dirname, '../e2e/programs/open-loop.ts')
const EVERY_MS = 100
/** A client gives a request up after this. */
export const TIMEOUT_MS = 5000

/** A web server in the second client's place, with nothing but the fabric between: what it loses, the machine that plays the lab has lost. */
export const CONTROL = 'control'
const CONTROL_PORT = 8000
/** The VM that is checked and emulated, by its own address: whether it can answer at all in the time that a check gives it. */
export const DIRECT = 'direct'
const DIRECT_VM = 'web-1'
const DIRECT_EVERY_MS = 250

/** One request: when it was sent (ms, wall clock), how long it took (ms), and which VM has answered; `lost`: none. */
export interface Request {
  readonly service: string
  readonly at: number
  readonly took: number
  readonly who: string
}

/**
 * A client for each service: a request on a connection of its own every 100 ms, whatever has become of the others. And
 * two that do not pass through crossport.
 */
export interface Clients {
  start(): Promise<void>
  /** Nothing is sent from now on until `resume`, which then sends what was left out. */
  pause(): void
  resume(): void
  /** Every request that is over. */
  requests(): Promise<Request[]>
  kill(): void
}

export function startClients(
  lab: Lab,
  services: readonly { readonly service: string; readonly vip: string; readonly port: number }[],
): Clients {
  const running = new Map<string, LabProcess>()
  return {
    start: async () => {
      const direct = { service: DIRECT, vip: lab.vm(DIRECT_VM).plan.ip, port: 8080 }
      for (const { service, vip, port } of [...services, await startControl(lab), direct]) {
        const every = service === DIRECT ? DIRECT_EVERY_MS : EVERY_MS
        const argv = [process.execPath, PROGRAM, vip, String(port), String(every), String(TIMEOUT_MS)]
        running.set(service, await lab.client.spawn(argv, { name: `client-${service}` }))
      }
    },
    requests: async () => {
      const each = [...running].map(async ([service, { log }]) => parse(service, await readFile(log, 'utf8')))
      return (await Promise.all(each)).flat().sort((a, b) => a.at - b.at)
    },
    pause: () => {
      for (const client of running.values()) client.kill('SIGSTOP')
    },
    resume: () => {
      for (const client of running.values()) client.kill('SIGCONT')
    },
    kill: () => {
      for (const client of running.values()) client.kill('SIGKILL')
    },
  }
}

async function startControl(lab: Lab) {
  const [, plan] = lab.plan.clients
  const place = lab.host(plan!.name)
  await place.exec(['mkdir', '-p', '/run/www'])
  await place.writeFile('/run/www/index.html', `${CONTROL}\n`)
  await place.exec([`${guestImage}/busybox`, 'httpd', '-p', String(CONTROL_PORT), '-h', '/run/www'])
  return { service: CONTROL, vip: plan!.ip, port: CONTROL_PORT }
}

function parse(service: string, text: string): Request[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map(line => line.split(' '))
    .filter(fields => fields.length === 3)
    .map(([at, took, who]) => ({ service, at: Number(at), took: Number(took), who: who! }))
}

/** Requests by second and service: `12 s: web 10, api 7 + 3 lost`. Seconds count from `begin`. */
export function bySecond(requests: readonly Request[], begin: number): string[] {
  const seconds = Map.groupBy(requests, ({ at }) => Math.floor((at - begin) / 1000))
  return [...seconds]
    .sort(([a], [b]) => a - b)
    .map(([second, all]) => {
      const services = [...Map.groupBy(all, ({ service }) => service)].sort(([a], [b]) => a.localeCompare(b))
      const words = services.map(([service, list]) => {
        const lost = list.filter(({ who }) => who === 'lost')
        const refused = lost.filter(({ took }) => took < TIMEOUT_MS - 100).length
        const answers = [...Map.groupBy(list, ({ who }) => who)].filter(([who]) => who !== 'lost')
        const by = answers.map(([who, { length }]) => `${length} ${who}`).join(', ') || 'none answered'
        return `${service} ${by}${lost.length > 0 ? `, ${lost.length} LOST (${refused} refused)` : ''}`
      })
      return `${second} s: ${words.join('; ')}`
    })
}
