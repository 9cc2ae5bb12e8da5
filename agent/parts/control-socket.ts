import { serveControl } from '../../shared/rpc/control.ts'
import type { Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { agentStatus } from '../outlets/status.ts'
import { resync } from '../resync.ts'
import { teardown } from '../teardown.ts'

/** Serves the control sockets, which `crossport` on the command line connects to. */
export async function controlSocket(house: House): Promise<Stop> {
  const { config, protection, cells, applier, store, timeline, loop, changed, log } = house
  const { hostId: id, bridge, uplink, director: directors, servicesDir } = config
  const getStatus = () =>
    agentStatus({
      id,
      version: house.version,
      startedAt: house.startedAt,
      bridge,
      uplink,
      directors,
      servicesDir,
      cells,
      plaintext: protection.plaintext,
      applier,
      store,
      timeline,
      loop,
    })
  const server = await serveControl({
    socket: config.controlSocket,
    adminGroup: config.adminGroup,
    log,
    control: {
      getStatus,
      onChange: changed.subscribe,
      resync: () => resync(house),
      teardown: (waitingFor, signal) => teardown(house, waitingFor, signal),
    },
  })
  return () => server.close()
}
