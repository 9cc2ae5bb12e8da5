import { serveAgents } from '../../../director/intake/agents.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { systemClock } from '../../../shared/run/clock.ts'

// fake-director PORT CA PAIR: listens for agents as a director does, with this certificate, and prints who registers.
const [port, ca = '', pair = ''] = process.argv.slice(2)
const say = (text: string) => process.stdout.write(`${text}\n`)
const director = await serveAgents({
  listen: `0.0.0.0:${port}`,
  tls: { ca, cert: pair, key: pair },
  addressed: false,
  leaseMs: 6000,
  log: quiet,
  clock: systemClock,
  handlers: {
    onRegistration: ({ hostId }) => say(`registered ${hostId}`),
    onDelta: () => {},
    onAlive: () => {},
    onRefused: () => {},
  },
})
director.setOffer({
  request: { directorId: 'fake', directorMac: '02:00:00:00:00:66', leaseMs: 6000, active: true },
  documents: [],
  revision: '',
})
say('listening')
