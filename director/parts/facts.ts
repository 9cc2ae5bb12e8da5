import type { InputName } from '../cells.ts'
import type { House } from '../house.ts'
import type { BridgeProblem } from '../intake/bridge.ts'
import { documentBytes } from '../intake/documents.ts'
import type { OwnFacts } from '../status/conditions.ts'

/** For the conditions of its status. */
export function factsOf({ applier, cells, config, loop, protection, book }: House): OwnFacts {
  const { services, bridge, bridgeProblem, inputStates, outcome, tableProblems, tornDown } = cells
  const away = (name: InputName) => {
    const { state, detail } = inputStates[name].get()
    return state === 'in sync' ? undefined : detail
  }
  const problem = bridgeProblem.get()
  const missing = (what: BridgeProblem['missing']) => (problem?.missing === what ? problem.message : undefined)
  return {
    role: 'director',
    bridge: config.bridge,
    uplink: config.uplink,
    servicesDir: config.servicesDir,
    away: { files: away('files'), ovsdb: missing('database'), switch: away('switch') },
    bridgeMissing: missing('bridge'),
    uplinkProblem: missing('uplink'),
    tunnelProblem: cells.tunnel.get()?.problem,
    flowRestoreWait: bridge.get()?.flowRestoreWait ?? false,
    specProblems: services.get().problems,
    waitingFor: cells.waiting.get(),
    applied: outcome.get() !== undefined,
    lastError: loop.lastError,
    quarantined: applier.quarantined,
    tableProblems: [...tableProblems.get(), ...cells.zoneFill.get().problems],
    tornDown: tornDown.get(),
    identity: { certificate: cells.certificate.get(), plaintext: protection?.plaintext },
    bookLostAt: book?.lostAt(),
    notListening: away('agents'),
    floods: cells.floods.get().floods,
    documentBytes: documentBytes(services.get().documents),
  }
}
