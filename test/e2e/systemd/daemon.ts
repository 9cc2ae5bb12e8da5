import { parseArgs } from 'node:util'
import { watchServices } from '../../../shared/config/watch.ts'
import { createLog } from '../../../shared/log/create.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { runLifecycle } from '../../../shared/run/lifecycle.ts'
import { createNotify, feedWatchdog } from '../../../shared/run/notify.ts'

/**
 * Everything of a daemon that concerns its service manager, without switch and libvirt: log, notify, service files, reload, stop.
 */
const { values } = parseArgs({ options: { identifier: { type: 'string', default: 'crossport-agent' } } })
const log = createLog({ identifier: values.identifier })
const notify = createNotify({ log })
const watch = watchServices({
  dir: '/etc/crossport/services.d',
  log,
  clock: systemClock,
  onChange: ({ specs }) => notify.status(`${specs.length} services in force`),
})

await runLifecycle({
  log,
  parts: [
    { name: 'service files', start: () => watch.reload().then(() => () => watch.close()) },
    { name: 'watchdog', start: () => feedWatchdog(notify, systemClock, { actingSince: undefined }, log) },
  ],
  onReady: () => {
    log.info('ready', { vm: 'web-1' })
    notify.ready()
  },
  onReload: () => {
    notify.reloading()
    void watch.reload().then(() => {
      log.notice('reloaded')
      notify.ready()
    })
  },
  onStopping: () => notify.stopping(),
})
