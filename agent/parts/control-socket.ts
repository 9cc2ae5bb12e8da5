import { serveControl } from '../../shared/rpc/control.ts'
import type { Part } from '../../shared/run/lifecycle.ts'
import { resync, teardown } from '../control.ts'
import type { House } from '../house.ts'
import { agentStatus } from '../outlets/status.ts'

/** Answers the operator. */
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
    start: async () => {
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
