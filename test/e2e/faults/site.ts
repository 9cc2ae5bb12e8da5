import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Status__Output } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { createSite, flows, ours, type Site, type SiteOptions, service } from '../fixture.ts'

export const SECOND = 'second.yaml'
export const SECOND_VIP = '10.10.1.101'
/** Another service on web-1 alone, or on those given. */
export const second = (vm = 'web-1') =>
  service({ service: 'second', vip: SECOND_VIP, realServers: [{ vm, port: 8081 }] })

const SETTLE_MS = 30_000
/** For a daemon's environment: its event loop is watched, and its wall clock can jump. */
export const HELD_UP = { NODE_OPTIONS: `--import=${path.join(import.meta.dirname, '../programs/hold-up.ts')}` }

/** All that the agent knows is in sync, and what it wants is in the switch. */
export const inPlace = ({ switch: sw, inputs }: Status__Output): boolean =>
  sw !== null &&
  sw.installedFlows === sw.desiredFlows &&
  sw.installedFlows > 0 &&
  inputs.every(({ name, state }) => (name === 'director' ? state === 'registered' : state === 'in sync'))

export const hasProblem =
  (code: string) =>
  ({ problems }: Status__Output): boolean =>
    problems.some(problem => problem.code === code)

/** A site with `web` on all its VMs, one host that is broken (rs1), and what must be true again after that. */
export function faultSite(options: SiteOptions = {}) {
  let site: Site
  /** What rs1's bridge holds of ours while only `web` is there. */
  let calm: readonly string[] = []
  const vms = options.vms ?? 3
  const ready = typeof vms === 'number' ? vms : vms.filter(({ name = 'web-' }) => name.startsWith('web-')).length

  test.serial.before(async () => {
    site = await createSite({ hosts: 1, ...options, vms })
    await site.drop('web.yaml', service())
    await site.ready('web', ready)
    await site.agent('rs1').until('in place', inPlace)
    calm = await held()
  })
  test.after.always(() => site?.down())

  const agent = () => site.agent('rs1')
  const host = () => site.lab.host('rs1')
  const held = async () => ours(await flows(site.lab, 'rs1'))

  /** The bridge holds this in the end: a guest takes its time to give a VIP back, and its shield stays until then. */
  const holds = async (t: ExecutionContext, wanted = calm): Promise<void> => {
    const until = performance.now() + SETTLE_MS
    while (performance.now() < until && (await held()).join('\n') !== wanted.join('\n')) await delay(50)
    t.deepEqual(await held(), wanted)
  }

  return {
    get site() {
      return site
    },
    get calm() {
      return calm
    },
    get lab() {
      return site.lab
    },
    agent,
    host,
    held,
    holds,
    sh: (script: string) => host().exec(['sh', '-c', script], { timeoutMs: 120_000 }),
    virsh: (...args: string[]) => host().exec(['virsh', '-q', '-c', 'qemu:///system', ...args]),

    /** All is as it was: every real server ready, and nothing wrong. `anew`: with other flows than before. */
    calmAgain: async ({ anew = false } = {}): Promise<void> => {
      await agent().until('in place', inPlace)
      await site.ready('web', ready)
      await agent().until('no problem', status => status.problems.length === 0 && inPlace(status))
      if (anew) calm = await held()
    },

    /** What an operator is told of a real server (`service/vm`), as soon as there is something to tell in these words. */
    told: async (realServer: string, words = /./): Promise<string> => {
      const of = ({ problems }: Status__Output) =>
        problems.find(({ subject, message }) => subject.startsWith(`${realServer}:`) && words.test(message))
      return of(await agent().until(`it tells of ${realServer}`, status => of(status) !== undefined))!.message
    },
    /** What rs1's agent has logged. */
    journal: () => readFile(agent().process.log, 'utf8'),

    /** The longest time that the event loop of rs1's agent was held up since the last call, ms; it runs with HELD_UP. */
    heldUp: async (): Promise<number> => {
      await host().exec(['rm', '-f', '/run/held-up'])
      agent().process.kill('SIGUSR2')
      let text = ''
      while (text === '')
        text = await host()
          .readFile('/run/held-up')
          .catch(() => '')
      return Number(text)
    },

    /** `second` leaves, and nothing of it is left. */
    withoutSecond: async (t: ExecutionContext): Promise<void> => {
      await site.remove(SECOND)
      await agent().until('second is gone', status => inPlace(status) && status.services.length === 1)
      // Whoever kills the agent before a guest has given its VIP back leaves a shield to the next test.
      await holds(t)
    },
  }
}

export type FaultSite = ReturnType<typeof faultSite>
