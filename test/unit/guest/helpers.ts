import { setImmediate as turn } from 'node:timers/promises'
import { createGuestManager } from '../../../agent/guest/manager.ts'
import type { AgentCall } from '../../../agent/guest/qga.ts'
import type { GuestTarget } from '../../../agent/guest/types.ts'
import type { GuestRecord, GuestRecords } from '../../../agent/store/types.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { fakeClock } from '../run/fake-clock.ts'

export const VM = '6b2b8c5e-3a3f-4c55-9d55-000000000001'
export const MAC = '52:54:00:aa:00:01'
export const VIP = '10.10.1.100'
export const FILE = '/etc/sysconfig/network-scripts/ifcfg-eth0:cp02s9zs4'

export function memoryRecords(onPut: (record: GuestRecord) => void = () => {}): GuestRecords {
  const all = new Map<string, GuestRecord>()
  const key = (vm: string, mac: string, vip: string) => `${vm}/${mac}/${vip}`
  return {
    list: () => [...all.values()],
    put: record => {
      all.set(key(record.vmUuid, record.mac, record.vip), record)
      onPut(record)
    },
    remove: (vm, mac, vip) => void all.delete(key(vm, mac, vip)),
  }
}

export const target = (change: Partial<GuestTarget> = {}): GuestTarget => ({
  vmUuid: VM,
  vmName: 'web-1',
  runId: 1,
  running: true,
  agentChannel: 'connected',
  mac: MAC,
  vips: [VIP],
  ...change,
})

/** A manager on a clock that the test moves. */
export function bench(agentCall: AgentCall, records: GuestRecords = memoryRecords()) {
  const clock = fakeClock()
  let changes = 0
  const manager = createGuestManager({ agentCall, records, log: quiet, clock, onChange: () => changes++ })
  /** Lets `ms` pass, and everything happen that is due meanwhile. */
  const pass = async (ms = 3000) => {
    for (let t = 0; t < ms; t += 25) {
      await clock.advance(25)
      await turn()
    }
  }
  return {
    manager,
    records,
    clock,
    pass,
    get changes() {
      return changes
    },
    vip: (vip = VIP, mac = MAC) => manager.status(VM, mac)?.vips.get(vip),
  }
}
