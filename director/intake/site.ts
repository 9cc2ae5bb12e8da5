import { overlayOf } from '../../shared/config/overlay.ts'
import { recallMacOf } from '../compile/fabric.ts'
import type { Site } from '../compile/types.ts'
import type { DirectorConfig } from '../config.ts'
import type { BridgeView } from './bridge.ts'

/** The director's place in the network: what the bridge says, and what the configuration says otherwise. */
export function siteOf(config: DirectorConfig, view: BridgeView | undefined): Site | undefined {
  if (view?.mac === undefined || view.uplink === undefined) return undefined
  const directorMac = config.directorMac ?? view.mac
  return {
    directorMac,
    recallMac: recallMacOf(directorMac),
    uplink: view.uplink,
    ownMacs: [view.mac],
    accessPorts: view.accessPorts,
    fabric: overlayOf(config) ?? 'l2',
    accounting: config.accounting && view.datapathType === 'netdev',
  }
}
