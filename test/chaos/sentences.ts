import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { formatStatus, inForce } from '../../cli/status/format.ts'
import { controlClient } from '../../shared/rpc/client.ts'
import type { ResyncReply__Output } from '../../shared/rpc/gen/crossport/v1/ResyncReply.ts'
import { adminSocketOf } from '../../shared/rpc/socket.ts'
import { curl, type Daemon, tally } from '../e2e/fixture.ts'
import { CONTROL_SOCKETS } from '../lab/daemons.ts'
import { bySecond, CONTROL, DIRECT, type Request, TIMEOUT_MS } from './clients.ts'
import { type Allowance, allowances, excuses } from './losses.ts'
import type { Done } from './run.ts'
import { differences, type World } from './world.ts'

export interface Violation {
  readonly sentence:
    | 'what is in force is what the files say'
    | 'what status says is true'
    | 'no request was lost outside of what the documentation says is lost'
  readonly evidence: readonly string[]
}

/** Nothing is broken any more: all must be in force after so long. */
const PEACE_MS = 60_000
const REQUESTS = 20
const SAME_MS = 1500
const QUIET_MS = 15_000

/** What keeps the world from being whole: all daemons hold everything in force, and the director as the files say. */
function lacks(world: World): string[] {
  const lines = differences(world, world.site.director.status.latest)
  for (const [name, { status }] of world.daemons) {
    const { latest } = status
    if (latest === undefined) lines.push(`${name} does not answer`)
    else if (!inForce(latest)) lines.push(`${name}: ${formatStatus(latest).split('not in force:').at(-1)}`)
  }
  return world.directorOut ? ['the director is out', ...lines] : lines
}

/** Resolves once the world is whole, with nothing; or after that time, with what it lacks. */
export async function whole(world: World, withinMs: number): Promise<string[]> {
  const until = Date.now() + withinMs
  for (;;) {
    const lines = lacks(world)
    if (lines.length === 0 || Date.now() > until) return lines
    await delay(100)
  }
}

/** Judges the time since `begin`, in which this was done; nothing is broken any more. */
export async function judge(
  world: World,
  begin: number,
  done: readonly Done[],
  note: (line: string) => void,
): Promise<Violation[]> {
  const violations: Violation[] = []
  const calm = (await whole(world, PEACE_MS)).length === 0
  const end = Date.now()
  await delay(TIMEOUT_MS + 500)
  const all = (await world.clients.requests()).filter(({ at }) => at >= begin && at <= end)
  violations.push(...(await filesInForce(world)))
  violations.push(...(await statusTrue(world, calm)))
  const requests = all.filter(({ service }) => service !== CONTROL && service !== DIRECT)
  const allowed = allowances(done, all)
  const lost = requests.filter(({ who }) => who === 'lost').length
  const inside = requests.filter(request => allowed.some(one => excuses(one, request))).length
  note(`${requests.length} requests, ${lost} lost; ${inside} were sent while one may be lost`)
  for (const name of [CONTROL, DIRECT]) {
    const own = all.filter(({ service }) => service === name)
    const slowest = Math.round(Math.max(...own.map(({ took }) => took)))
    note(
      `${name}: ${own.length} requests, ${own.filter(({ who }) => who === 'lost').length} lost, the slowest ${slowest} ms`,
    )
  }
  violations.push(...nothingLost(requests, begin, allowed))
  if (violations.length === 0) return []
  const journals = [...world.daemons].map(async ([name, { process }]) => {
    const lines = (await readFile(process.log, 'utf8')).trimEnd().split('\n').slice(-40)
    return [`--- the last of ${name}'s journal`, ...lines].join('\n')
  })
  const last = violations.at(-1)!
  return [...violations.slice(0, -1), { ...last, evidence: [...last.evidence, ...(await Promise.all(journals))] }]
}

async function filesInForce(world: World): Promise<Violation[]> {
  const sentence = 'what is in force is what the files say'
  const evidence = differences(world, world.site.director.status.latest)
  // Shares of least-connection schedulers change with every connection.
  world.clients.pause()
  await quiet(world)
  for (const [name, daemon] of world.daemons) {
    const { switch: sw } = daemon.status.latest ?? {}
    if (sw?.installedFlows !== sw?.desiredFlows)
      evidence.push(`${name}: ${sw?.installedFlows} of ${sw?.desiredFlows} flows installed`)
    const reply = await resync(world, name).catch((error: Error) => error)
    if (reply instanceof Error) evidence.push(`${name}: resync: ${reply.message}`)
    else if (reply.flowsAdded + reply.flowsChanged + reply.flowsDeleted > 0)
      evidence.push(`${name}: resync has changed something: ${JSON.stringify(reply)}`)
  }
  world.clients.resume()
  return evidence.length === 0 ? [] : [{ sentence, evidence }]
}

/** Resolves when the director's flows have been the same for a while, or do not become so. */
async function quiet({ site }: World): Promise<void> {
  const until = Date.now() + QUIET_MS
  let before: unknown
  for (let since = Date.now(); Date.now() < until && Date.now() - since < SAME_MS; await delay(50)) {
    const commits = site.director.status.latest?.switch?.commits
    if (commits !== before) since = Date.now()
    before = commits
  }
}

function resync(world: World, name: string): Promise<ResyncReply__Output> {
  const role = name === 'director' ? 'director' : 'agent'
  const client = controlClient(adminSocketOf(world.lab.host(name).path(CONTROL_SOCKETS[role])))
  return new Promise<ResyncReply__Output>((resolve, reject) =>
    client.Resync({}, { deadline: Date.now() + 20_000 }, (error, reply) =>
      error === null ? resolve(reply!) : reject(error),
    ),
  ).finally(() => client.close())
}

/** Each service is asked, whatever status says; who says that all is in force must be right, and who says that it is not must be, too. */
async function statusTrue(world: World, calm: boolean): Promise<Violation[]> {
  const sentence = 'what status says is true'
  const evidence: string[] = []
  for (const { service, vip, port } of world.files.values()) {
    const argv = curl(`http://${vip}:${port}/`, REQUESTS)
    const { stdout } = await world.lab.client.exec(argv, { timeoutMs: 110_000, check: false })
    const failed = tally(stdout).get('failed') ?? 0
    if (failed > 0) evidence.push(`${failed} of ${REQUESTS} requests to ${service} have failed`)
  }
  if (evidence.length > 0 && !calm) return [{ sentence: 'what is in force is what the files say', evidence }]
  if (!calm) evidence.push(`nothing has been broken for ${PEACE_MS / 1000} s`)
  if (evidence.length === 0) return []
  return [{ sentence, evidence: [...evidence, ...[...world.daemons].map(statusOf)] }]
}

const statusOf = ([name, { status }]: [string, Daemon]): string =>
  `--- status of ${name}\n${status.latest === undefined ? 'no answer' : formatStatus(status.latest)}`

function nothingLost(requests: readonly Request[], begin: number, allowed: readonly Allowance[]): Violation[] {
  const lost = requests.filter(request => request.who === 'lost' && !allowed.some(one => excuses(one, request)))
  if (lost.length === 0) return []
  const seconds = new Set(lost.flatMap(({ at }) => [-1, 0, 1].map(n => Math.floor((at - begin) / 1000) + n)))
  const around = requests.filter(({ at }) => seconds.has(Math.floor((at - begin) / 1000)))
  const first = new Date(lost[0]!.at).toISOString()
  const evidence = [
    `${lost.length} of ${requests.length} requests, of ${[...new Set(lost.map(({ service }) => service))]}, the first at ${first}`,
    ...bySecond(around, begin),
  ]
  return [{ sentence: 'no request was lost outside of what the documentation says is lost', evidence }]
}
