import { createReporter } from '../../../agent/report/reporter.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { systemClock } from '../../../shared/run/clock.ts'

// register ADDRESS HOST-ID [CA PAIR]: registers as that host, and prints how that went. Without files in the clear.
const [address = '', hostId = '', ca, pair] = process.argv.slice(2)
const say = (text: string) => {
  process.stdout.write(`${text}\n`)
  process.exit(0)
}
const reporter = createReporter({
  address,
  ...(ca !== undefined && pair !== undefined ? { tls: { ca, cert: pair, key: pair } } : {}),
  identity: { hostId, hostMac: '02:00:00:00:00:66', hostIp: '172.24.1.66', version: '1' },
  log: quiet,
  clock: systemClock,
  handlers: {
    onDirector: () => {},
    onServices: () => {},
    onState: (state, reason) => {
      if (state !== 'connected') say(`${state}: ${reason}`)
    },
  },
})
reporter.update([])
