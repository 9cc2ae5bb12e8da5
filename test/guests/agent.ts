import { setTimeout as delay } from 'node:timers/promises'
import { createGuestManager } from '../../agent/guest/manager.ts'
import type { GuestRecords } from '../../agent/store/types.ts'
import { quiet } from '../../shared/log/quiet.ts'
import { systemClock } from '../../shared/run/clock.ts'
import type { Machine } from './machine.ts'

export const VM = '6b2b8c5e-3a3f-4c55-9d55-000000000001'
export const MAC = '52:54:00:aa:00:01'
export const PATIENCE_MS = 30_000

/** One run of the agent, as far as it has to do with this guest. */
export function startAgent(machine: Machine, records: GuestRecords, runId: number) {
  const said: string[] = []
  const log = { ...quiet, info: (message: string) => void said.push(message), with: () => log }
  const agentCall = (_vm: string, json: string) => machine.call(json)
  let wake = () => {}
  const manager = createGuestManager({
    ...{ agentCall, records, clock: systemClock, log, verifyMs: 2000, retryMs: 200 },
    onChange: () => wake(),
  })
  return {
    /** What its log says of the NIC's owner. */
    owner: () => said.map(text => /^eth0 belongs to (.*)$/.exec(text)?.[1]).find(name => name !== undefined),
    /** Resolves when these VIPs are set, with or without a warning. */
    hold: async (vips: readonly string[], warning: boolean): Promise<void> => {
      const target = { vmUuid: VM, vmName: 'guest', runId, running: true, agentChannel: 'connected', mac: MAC } as const
      manager.set([{ ...target, vips, onLink: '169.254.96.0/19' }])
      const states = () => vips.map(vip => manager.status(VM, MAC)?.vips.get(vip))
      for (const late = performance.now() + PATIENCE_MS; ; ) {
        if (states().every(vip => vip?.state === 'set' && (vip.code !== undefined) === warning)) break
        if (performance.now() > late) throw new Error(JSON.stringify(states()))
        await Promise.race([delay(100), new Promise<void>(resolve => (wake = resolve))])
      }
      while (records.list().length > vips.length) await delay(20)
    },
    stop: manager.close,
  }
}
