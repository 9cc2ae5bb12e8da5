import { registrationClient } from '../../../shared/rpc/client.ts'
import type { AgentMessage } from '../../../shared/rpc/gen/crossport/v1/AgentMessage.ts'

/** Dials a director, says what it is given, and prints what comes of it: `stranger.ts HOST:PORT CA PAIR '{"registration": …}'`. */
const [address = '', ca = '', pair = '', ...messages] = process.argv.slice(2)
const call = registrationClient(address, { ca, cert: pair, key: pair }).Attach()
call.on('error', error => {
  console.log(`refused: ${error.message}`)
  process.exit()
})
call.on('data', ({ request, heartbeat }) => {
  if (request) {
    for (const message of messages) call.write(JSON.parse(message) as AgentMessage)
    call.write({ heartbeat: { sequence: 1 } })
  }
  if (heartbeat) console.log('accepted')
})
