import { badDocuments, directorOf } from '../../../agent/report/offer.ts'
import { createPieces } from '../../../agent/report/pieces.ts'
import { hostDelta, hostReport } from '../../../director/intake/validate.ts'
import { parseServiceFile } from '../../../shared/config/parse.ts'
import type { AgentMessage } from '../../../shared/rpc/gen/crossport/v1/AgentMessage.ts'
import type { DirectorMessage } from '../../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import { loadProto } from '../../../shared/rpc/load.ts'
import { toProto } from '../../../shared/rpc/real-server.ts'
import { reported } from '../../unit/registry/fixture.ts'
import type { Target } from '../engine.ts'

const { Attach } = loadProto().registration.service
const realServers = [toProto(reported('web/web-1')), toProto(reported('web/web-2'))]
const host = { hostId: 'rs1', hostMac: '02:00:00:00:00:20', hostIp: '172.24.1.20', version: '1' }
const text = 'service: web\nvip: 10.10.1.100\nport: 80\nrealServers: [{vm: web-1, port: 8080}]\n'

const ofAgent: readonly AgentMessage[] = [
  { registration: { ...host, realServers, documentChanges: true } },
  { delta: { upserted: realServers, removedIds: ['web/web-3'] } },
  { heartbeat: { sequence: 7 } },
]
const ofDirector: readonly DirectorMessage[] = [
  { request: { directorId: 'd1', directorMac: '02:00:00:00:01:00', leaseMs: 6000, active: true } },
  { services: { documents: [{ file: 'web.yaml', line: 1, text }], revision: 'a', removed: [{ file: 'x', line: 1 }] } },
  { heartbeat: { sequence: 7 } },
]

/** Messages of agents and directors, as each side receives them. */
export const registration: Target = {
  name: 'registration',
  seeds: [...ofAgent.map(Attach.requestSerialize), ...ofDirector.map(Attach.responseSerialize)],
  refuses: ['REGISTRATION_INVALID'],
  run: input => {
    // gRPC itself ends the stream for bytes that are not a message.
    const told = decoded(() => Attach.responseDeserialize(input))
    if (told?.request) directorOf(told.request)
    if (told?.services && badDocuments(told.services) === undefined) createPieces().add(told.services)
    for (const { file, line, text } of told?.services?.documents ?? []) parseServiceFile(text, file, { line })
    const { registration, delta } = decoded(() => Attach.requestDeserialize(input)) ?? {}
    if (delta) hostDelta('rs1', delta)
    for (const addressed of [true, false]) if (registration) hostReport(registration, addressed)
  },
}

function decoded<T>(deserialize: () => T): T | undefined {
  try {
    return deserialize()
  } catch {
    return undefined
  }
}
