import { chooseProtection } from '../shared/identity/protection.ts'
import type { Log } from '../shared/log.ts'
import { onlyOne } from '../shared/rpc/socket.ts'
import { type Clock, systemClock } from '../shared/run/clock.ts'
import { runLifecycle } from '../shared/run/lifecycle.ts'
import { createNotify } from '../shared/run/notify.ts'
import { createStartup } from '../shared/run/startup.ts'
import { bookFile, type DirectorConfig } from './config.ts'
import { createHouse } from './house.ts'
import { partsOf } from './parts/all.ts'
import { openOwnBook } from './pki/own-book.ts'
import { openStore } from './store/store.ts'
import { version } from './version.ts'

export interface RunOptions {
  readonly clock?: Clock
  /** Stops the director, as a signal does. */
  readonly signal?: AbortSignal
  /** Called when every part has started; `address` is where agents dial in. */
  onReady?(address: string): void
  /** Called after every pass that the switch has confirmed. */
  onConfirmed?(): void
}

/**
 * Runs the director until SIGTERM, SIGINT or `signal`. The flows stay in place when it stops. SIGHUP rereads the service files.
 * Throws RPC_LISTEN when a director runs here already, else the error that keeps a part from starting.
 */
export async function runDirector(config: DirectorConfig, log: Log, options: RunOptions = {}): Promise<void> {
  const { clock = systemClock } = options
  const { tls, pki, insecurePlaintext, listen } = config
  const protection = chooseProtection({ role: 'director', tls, pki, insecurePlaintext, addresses: [listen] })
  // Before anything is opened, because two directors must not work on one state file and one switch.
  await onlyOne(config.controlSocket, log)
  const notify = createNotify({ log })
  const told = createStartup(notify)
  const book = protection.tls && openOwnBook(bookFile(config), pki)
  const store = openStore(config.stateFile)
  const house = createHouse({ config, store, protection, book, log, clock, version: version() })
  const { cells } = house
  if (options.onConfirmed !== undefined) cells.outcome.subscribe(options.onConfirmed)
  await runLifecycle({
    log,
    parts: partsOf(house, notify, told),
    ...(options.signal ? { signal: options.signal } : {}),
    onReady: () => {
      const { address = '' } = cells.agents.get() ?? {}
      log.notice('started', { bridge: config.bridge, listen: address })
      options.onReady?.(address)
    },
    onReload: () => {
      log.info('rereading the service files')
      void told.reload(cells.reload.get())
    },
    onStopping: () => notify.stopping(),
  })
}
