import type { Log } from '../../shared/log.ts'
import type { Clock } from '../../shared/run/clock.ts'
import type { Cells } from '../cells.ts'
import type { AgentConfig } from '../config/schema.ts'
import type { AgentCall } from '../guest/qga.ts'
import { createHealthMonitor } from '../health/monitor.ts'
import { createProbers } from '../health/probers/all.ts'
import { createCheckTargets } from '../health/targets.ts'
import { createTrafficWatch } from '../health/traffic-watch.ts'
import type { Outcome } from '../outcome.ts'
import { probeHost, probeNetwork } from '../probe-port/address.ts'
import { createProbePort } from '../probe-port/port.ts'
import { PROBE_UDP_PORT } from '../probe-port/types.ts'
import type { ReadyRuns } from '../report/ready-runs.ts'
import { readClientTraffic } from './client-traffic.ts'

export interface HealthOutletOptions {
  readonly config: Pick<AgentConfig, 'bridge' | 'probePort' | 'probeNetwork' | 'ovsdbSocket'>
  readonly cells: Pick<Cells, 'inputs' | 'suspects'>
  readonly agentCall: AgentCall
  readonly ready: Pick<ReadyRuns, 'was'>
  readonly log: Log
  readonly clock: Clock
}

export interface HealthOutlet {
  take(outcome: Outcome): void
  close(): Promise<void>
}

/** Checks the real servers that have a check, and keeps the port that the checks leave the host through. */
export function createHealthOutlet(options: HealthOutletOptions): HealthOutlet {
  const { config, cells, agentCall, ready, log, clock } = options
  const { guests, health } = cells.inputs
  const network = probeNetwork(config.probeNetwork)
  const address = probeHost(network)
  const tell = () => health.set({ health: monitor.health, last: monitor.last })

  const probers = createProbers({ agentCall, clock, udp: { address, port: PROBE_UDP_PORT } })
  const port = createProbePort({
    bridge: config.bridge,
    name: config.probePort,
    address: `${address}/${network.length}`,
    ovsdbSocket: config.ovsdbSocket,
    log,
    clock,
    onChange: tell,
  })
  const monitor = createHealthMonitor({
    clock,
    log,
    onChange: tell,
    onSuspect: target => cells.suspects.publish(target.vmUuid),
    prober: async (target, signal) => {
      const result = await probers.probe(target, signal)
      if (result.kind === 'impossible' && target.address !== undefined) port.suspect()
      return result
    },
  })
  const traffic = createTrafficWatch({
    clock,
    observe: monitor.observe,
    counters: async () => {
      const { session, reason } = cells.inputs.switch.get()
      if (session === undefined) throw new Error(reason)
      return readClientTraffic(session)
    },
  })
  const makeTargets = createCheckTargets()
  tell()

  return {
    take: ({ checks, ports, sweep, confirmed, allConfirmed }) => {
      const { wanted, checked, probes } = checks
      if (wanted || sweep) port.set(wanted, ports)
      const input = {
        confirmed: confirmed.has,
        allConfirmed,
        guest: guests.get().status,
        wasReady: ready.was,
        portObstacle: port.state.obstacle,
      }
      monitor.set(makeTargets(checked, probes, input))
      traffic.set(checked.filter(({ check }) => check?.passive !== 'off'))
    },
    close: async () => {
      traffic.close()
      monitor.stop()
      probers.close()
      await port.close()
    },
  }
}
