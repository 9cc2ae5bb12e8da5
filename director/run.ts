import { readFileSync } from 'node:fs'
import { overlayOf } from '../shared/config/overlay.ts'
import { type ServicesWatch, watchServices } from '../shared/config/watch.ts'
import type { Log } from '../shared/log.ts'
import { keepTunnelPort, type TunnelPortKeeper } from '../shared/ovsdb/keep-tunnel-port.ts'
import { serveControl } from '../shared/rpc/control.ts'
import { type Clock, systemClock } from '../shared/run/clock.ts'
import { type Part, runLifecycle } from '../shared/run/lifecycle.ts'
import { createNotify, feedWatchdog } from '../shared/run/notify.ts'
import { createReadiness } from '../shared/run/readiness.ts'
import { openSwitch } from '../shared/switch/session.ts'
import type { DirectorConfig } from './config.ts'
import { createDirector } from './director.ts'
import { serveAgents } from './intake/agents.ts'
import { watchBridge } from './intake/bridge.ts'
import { siteOf } from './intake/site.ts'
import { openStore } from './store/store.ts'

export interface RunOptions {
  readonly clock?: Clock
  /** Another way to stop than a signal. */
  readonly signal?: AbortSignal
  /** Everything has started; `address` is where agents dial in. */
  onReady?(address: string): void
  /** After every pass that the switch has confirmed. */
  onConfirmed?(): void
}

/**
 * Runs the director until SIGTERM, SIGINT or `signal`. Stopping leaves the flows in place. SIGHUP rereads the service
 * files. Throws what keeps a part from starting.
 */
export async function runDirector(config: DirectorConfig, log: Log, options: RunOptions = {}): Promise<void> {
  const { clock = systemClock } = options
  const notify = createNotify({ log })
  const store = openStore(config.stateFile)
  const readiness = createReadiness(notify)
  const onConfirmed = () => {
    readiness.reached(`agents dial in at ${address}`)
    options.onConfirmed?.()
  }
  const director = createDirector({
    config,
    store,
    log,
    clock,
    version: version(),
    onConfirmed,
    onWaiting: readiness.waiting,
  })
  let files: ServicesWatch | undefined
  let address = ''
  let tunnel: TunnelPortKeeper | undefined

  const parts: Part[] = [
    { name: 'state file', start: () => () => store.close() },
    {
      name: 'agents',
      start: async () => {
        const { listen, tls } = config
        const agents = await serveAgents({ listen, tls, log, handlers: director.agentHandlers })
        address = agents.address
        director.useAgents(agents)
        return () => agents.close()
      },
    },
    {
      name: 'service files',
      start: () => {
        const { servicesDir: dir } = config
        files = watchServices({ dir, log, clock, lastGood: store.files.load(), onChange: director.setServices })
        return () => files?.close()
      },
    },
    {
      name: 'bridge',
      start: () => {
        const { ovsdbSocket: socket, bridge, uplink } = config
        const onChange = () => {
          tunnel?.check()
          director.setBridge(tunnel?.problem ? undefined : siteOf(config, watch.view), watch.problem ?? tunnel?.problem)
        }
        const watch = watchBridge({ socket, bridge, uplink, log, clock, onChange })
        director.useBridge(watch)
        const overlay = overlayOf(config)
        if (overlay !== undefined) {
          const port = { bridge, name: uplink, type: overlay.encapsulation, localIp: config.hostIp ?? '' }
          tunnel = keepTunnelPort({ client: watch.client, port, log, clock, onChange })
          director.useTunnel(tunnel)
        }
        return () => {
          tunnel?.close()
          watch.close()
        }
      },
    },
    // After the bridge, so that it can still be told when this ends.
    { name: 'accounting', start: () => director.account() },
    {
      name: 'switch',
      start: () => {
        const { bridge, ovsRunDir: rundir } = config
        const sw = openSwitch({ bridge, owner: 'director', rundir, log, clock, handlers: director.switchHandlers })
        director.useSwitch(sw)
        return () => sw.close()
      },
    },
    {
      name: 'control socket',
      start: async () => {
        const server = await serveControl({ socket: config.controlSocket, control: director.control, log })
        return () => server.close()
      },
    },
    // Stopped first: from here on nothing acts.
    { name: 'loop', start: () => () => director.stop() },
    { name: 'watchdog', start: () => feedWatchdog(notify, clock) },
  ]

  await runLifecycle({
    log,
    parts,
    ...(options.signal ? { signal: options.signal } : {}),
    onReady: () => {
      log.notice('started', { bridge: config.bridge, listen: address })
      options.onReady?.(address)
    },
    onReload: () => {
      log.info('rereading the service files')
      void readiness.reload(async () => files?.reload())
    },
    onStopping: () => notify.stopping(),
  })
}

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
