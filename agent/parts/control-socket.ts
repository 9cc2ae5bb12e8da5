import { clearSocket } from '../../shared/rpc/socket.ts'
import type { Part } from '../../shared/run/lifecycle.ts'
import { resync, teardown } from '../control.ts'
import type { House } from '../house.ts'
import { agentStatus } from '../outlets/status.ts'

/** There is no other agent here; the first part, for none may touch what another works on. */
export function onlyAgent({ config }: House): Part {
  return {
    name: 'the only agent here',
    start: async () => {
      await clearSocket(config.controlSocket)
      return undefined
    },
  }
}

/** Answers the operator. gRPC takes as long to load as all else, and flows need nothing of it: so it is late. */
export function controlSocket(house: House): Part {
  const { config, cells, applier, store, timeline, loop, changed, log } = house
  const { hostId: id, bridge, servicesDir } = config
  const getStatus = () =>
    agentStatus({
      id,
      version: house.version,
      startedAt: house.startedAt,
      bridge,
      servicesDir,
      cells,
      applier,
      store,
      timeline,
      loopError: loop.lastError,
    })
  return {
    name: 'control socket',
    late: true,
    start: async () => {
      const { serveControl } = await import('../../shared/rpc/control.ts')
      const server = await serveControl({
        socket: config.controlSocket,
        log,
        control: {
          getStatus,
          onChange: changed.subscribe,
          resync: () => resync(house),
          teardown: () => teardown(house),
        },
      })
      return () => server.close()
    },
  }
}
