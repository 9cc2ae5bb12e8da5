import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Status__Output } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { createSite, flows, ours, type Site, type SiteOptions, service } from '../fixture.ts'

export const SECOND = 'second.yaml'
export const SECOND_VIP = '10.10.1.101'
/** Writes another service, on web-1 alone or on the given VMs. */
export const second = (vm = 'web-1') =>
  service({ service: 'second', vip: SECOND_VIP, realServers: [{ vm, port: 8081 }] })

const SETTLE_MS = 30_000
/** Environment of a daemon whose event loop is watched and whose wall clock can jump. */
export const HELD_UP = { NODE_OPTIONS: `--import=${path.join(import.meta.dirname, '../programs/hold-up.ts')}` }

/** All inputs of the agent are in sync, and its desired flows are in the switch. */
export const inPlace = ({ switch: sw, inputs }: Status__Output): boolean =>
  sw !== null &&
  sw.installedFlows === sw.desiredFlows &&
  sw.installedFlows > 0 &&
  inputs.every(({ name, state }) => (name === 'director' ? state === 'registered' : state === 'in sync'))

export const hasProblem =
  (code: string) =>
  ({ problems }: Status__Output): boolean =>
    problems.some(problem => problem.code === code)

/** A site with `web` on all its VMs and one host (rs1) that faults happen to; and the checks after a fault. */
export function faultSite(options: SiteOptions = {}) {
  let site: Site
  /** Our flows on rs1's bridge while there is only `web`. */
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

  /**
   * Waits until the bridge holds this: a guest takes its time to give a VIP back, and the VIP's shield stays until then.
   * `wanted` is told what there is.
   */
  const holds = async (t: ExecutionContext, wanted: (there: readonly string[]) => readonly string[] = () => calm) => {
    const until = performance.now() + SETTLE_MS
    let there = await held()
    while (performance.now() < until && there.join('\n') !== wanted(there).join('\n')) {
      await delay(50)
      there = await held()
    }
    t.deepEqual(there, wanted(there))
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

    /** Checks that every real server is ready, and there are no problems. `anew`: with other flows than before. */
    calmAgain: async ({ anew = false } = {}): Promise<void> => {
      await agent().until('in place', inPlace)
      await site.ready('web', ready)
      await agent().until('no problem', status => status.problems.length === 0 && inPlace(status))
      if (anew) calm = await held()
    },

    /** Waits until status shows these words about a real server (`service/vm`). */
    told: async (realServer: string, words = /./): Promise<string> => {
      const of = ({ problems }: Status__Output) =>
        problems.find(({ subject, message }) => subject.startsWith(`${realServer}:`) && words.test(message))
      return of(await agent().until(`it tells of ${realServer}`, status => of(status) !== undefined))!.message
    },
    /** The log of rs1's agent. */
    journal: () => readFile(agent().process.log, 'utf8'),

    /** The longest stall of the event loop of rs1's agent since the last call, ms; the agent runs with HELD_UP. */
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

    /** Removes `second`, and checks that nothing of it is left. */
    withoutSecond: async (t: ExecutionContext): Promise<void> => {
      await site.remove(SECOND)
      await agent().until('second is gone', status => inPlace(status) && status.services.length === 1)
      // After a kill of the agent before a guest has given its VIP back, the next test would find a shield.
      await holds(t)
    },
  }
}

export type FaultSite = ReturnType<typeof faultSite>
