import { readFileSync } from 'node:fs'
import { watchServices } from '../shared/config/watch.ts'
import { createAgentCaller } from '../shared/libvirt/agent.ts'
import type { Log } from '../shared/log.ts'
import { serveControl } from '../shared/rpc/control.ts'
import { systemClock } from '../shared/run/clock.ts'
import { createDirtyLoop } from '../shared/run/dirty-loop.ts'
import { type Part, runLifecycle } from '../shared/run/lifecycle.ts'
import { createNotify, feedWatchdog } from '../shared/run/notify.ts'
import { createTimeline } from '../shared/run/timeline.ts'
import { openSwitch } from '../shared/switch/session.ts'
import type { Switch } from '../shared/switch/types.ts'
import { createApplier } from './apply/apply.ts'
import type { AgentConfig } from './config/schema.ts'
import { createGuestManager } from './guest/manager.ts'
import { findHostIp } from './host.ts'
import { initialInputs, missing } from './inputs.ts'
import { watchInventory } from './inventory/watch.ts'
import { watchPorts } from './ports/watch.ts'
import { createReconciler } from './reconcile.ts'
import { createReporter, type HostIdentity, type HostReporter } from './report/reporter.ts'
import type { ReportedRealServer } from './report/types.ts'
import { agentStatus } from './status.ts'
import { openStore } from './store/store.ts'

const VERSION = (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
  .version
const TEARDOWN_MS = 30_000

/** Wires the rooms together and runs until a signal. The data plane is left in place whichever way this ends. */
export async function runAgent(config: AgentConfig, log: Log): Promise<void> {
  const clock = systemClock
  const startedAt = clock.wall().toISOString()
  const notify = createNotify({ log })
  const store = openStore(config.stateFile)
  const inputs = initialInputs(store)
  const timeline = createTimeline(clock)
  const applier = createApplier({ store, log })
  const listeners = new Set<() => void>()
  const reporters: HostReporter[] = []
  let reports: readonly ReportedRealServer[] | undefined
  let readyToldAt: string | undefined

  const loop = createDirtyLoop({
    clock,
    log,
    coalesceMs: 2,
    gate: () => missing(inputs),
    act: async () => {
      try {
        await reconciler.pass()
      } finally {
        for (const listener of listeners) listener()
      }
      if (readyToldAt === undefined) notify.ready((readyToldAt = 'in sync'))
    },
  })
  const mark = (reason: string) => {
    loop.mark(reason)
    for (const listener of listeners) listener()
  }

  const sw: Switch = openSwitch({
    bridge: config.bridge,
    owner: 'agent',
    rundir: config.ovsRunDir,
    log,
    clock,
    handlers: {
      onUp: () => {
        inputs.switchUp = true
        applier.distrust()
        mark('switch up')
      },
      onDown: reason => {
        inputs.switchUp = false
        inputs.switchReason = reason
        applier.distrust()
        mark('switch down')
      },
      onDrift: what => {
        log.warn('flows changed by somebody else are put right', { what })
        applier.distrust()
        mark('drift')
      },
    },
  })
  const agentCalls = createAgentCaller({ socket: config.libvirtSocket, clock })
  const guest = createGuestManager({
    agentCall: agentCalls.call,
    records: store.guestRecords,
    log,
    clock,
    onChange: () => mark('guest'),
  })
  const reconciler = createReconciler({
    inputs,
    store,
    applier,
    guest,
    sw,
    ingressPorts: config.ingressPorts,
    hostMac: config.hostMac,
    timeline,
    log,
    onReport: list => {
      reports = list
      for (const reporter of reporters) reporter.update(list)
      void startReporters()
    },
  })

  /** After the first pass only: the director must not hear of half a host. */
  let reporting = false
  const startReporters = async () => {
    const hostMac = config.hostMac ?? inputs.ports.bridge?.mac
    if (reporting || config.director.length === 0 || hostMac === undefined) return
    reporting = true
    const hostIp = config.hostIp ?? (await findHostIp(config.bridge, config.director[0])) ?? ''
    const identity: HostIdentity = { hostId: config.hostId, hostMac, hostIp, version: VERSION }
    for (const address of config.director) {
      const reporter = createReporter({
        address,
        tls: config.tls,
        identity,
        log,
        clock,
        handlers: {
          onDirector: info => {
            if (!info.active && inputs.director !== undefined && inputs.director.id !== info.id) return
            inputs.director = info
            store.setDirector(info)
            mark('director')
          },
          onServices: documents => {
            inputs.documents = documents
            store.setDocuments(documents)
            mark('services of the director')
          },
          onState: (state, reason) => {
            inputs.directorState = { state, reason }
            if (state === 'registered') timeline.add('registered', config.hostId, reason)
            for (const listener of listeners) listener()
          },
        },
      })
      reporters.push(reporter)
      if (reports !== undefined) reporter.update(reports)
    }
  }

  const teardown = async () => {
    const before = applier.counts.installed
    const vips = store.guestRecords.list().length
    reconciler.withdraw()
    log.notice('teardown: taking everything out of the switch and out of the guests')
    mark('teardown')
    const until = clock.now() + TEARDOWN_MS
    while (clock.now() < until) {
      await loop.idle()
      if (store.guestRecords.list().length === 0) break
      await changed(listeners, clock.after, until - clock.now())
    }
    await loop.idle()
    return { flowsDeleted: before - applier.counts.installed, vipsRemoved: vips - store.guestRecords.list().length }
  }

  const resync = async () => {
    const { changes } = applier.counts
    await services?.reload()
    applier.distrust()
    mark('resync')
    await loop.idle()
    return { flowsAdded: 0, flowsChanged: applier.counts.changes - changes, flowsDeleted: 0 }
  }

  let services: ReturnType<typeof watchServices> | undefined
  const parts: Part[] = [
    {
      name: 'control socket',
      start: async () => {
        const server = await serveControl({
          socket: config.controlSocket,
          log,
          control: {
            getStatus: () =>
              agentStatus({
                id: config.hostId,
                version: VERSION,
                startedAt,
                bridge: config.bridge,
                inputs,
                picture: reconciler.picture,
                applier,
                store,
                timeline,
                loopError: loop.lastError,
              }),
            onChange: changed => {
              listeners.add(changed)
              return () => listeners.delete(changed)
            },
            resync,
            teardown,
          },
        })
        return () => server.close()
      },
    },
    {
      name: 'service files',
      start: () => {
        services = watchServices({
          dir: config.servicesDir,
          log,
          clock,
          lastGood: store.serviceFiles(),
          onChange: snapshot => {
            inputs.services = snapshot
            mark('service files')
          },
        })
        return () => services?.close()
      },
    },
    {
      name: 'ports',
      start: () => {
        const watch = watchPorts({
          socket: config.ovsdbSocket,
          bridge: config.bridge,
          log,
          clock,
          onChange: snapshot => {
            inputs.ports = snapshot
            mark('ports')
          },
        })
        return () => watch.close()
      },
    },
    {
      name: 'inventory',
      start: () => {
        const watch = watchInventory({
          socket: config.libvirtSocket,
          log,
          clock,
          onChange: inventory => {
            // Until libvirt has answered once, what it said before the restart stands.
            if (!inventory.synced && inventory.domains.length === 0) {
              inputs.inventory = { ...inventory, domains: inputs.inventory.domains }
            } else inputs.inventory = inventory
            mark('inventory')
          },
        })
        return () => watch.close()
      },
    },
    { name: 'watchdog', start: () => feedWatchdog(notify, clock) },
  ]

  log.info('agent started', { version: VERSION, bridge: config.bridge, host: config.hostId, state: config.stateFile })
  await runLifecycle({
    log,
    parts,
    onReload: () => {
      notify.reloading()
      void services?.reload().then(() => notify.ready())
    },
    onStopping: () => notify.stopping(),
  })
  await Promise.all(reporters.map(reporter => reporter.close()))
  await loop.stop()
  await guest.close()
  agentCalls.close()
  sw.close()
  store.close()
  log.info('agent stopped; flows and VIPs stay in place')
}

/** Resolves at the next change of the agent's status, or after `ms`. */
function changed(
  listeners: Set<() => void>,
  after: (ms: number, fn: () => void) => () => void,
  ms: number,
): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      listeners.delete(done)
      cancel()
      resolve()
    }
    const cancel = after(ms, done)
    listeners.add(done)
  })
}
