import { isIPv4 } from 'node:net'
import type { Stop } from '../../shared/run/lifecycle.ts'
import { findHostIp } from '../host.ts'
import type { House } from '../house.ts'

/**
 * Nobody tells of routes and addresses that change: they are looked at this often. It costs a call of the kernel for each
 * director; one that is named has to be asked of the resolver, too.
 */
const LOOK_MS = 1000
const LOOK_BY_NAME_MS = 10_000

/** This host's own address in the underlay, where it is not configured. One that cannot be found any more is still the last one. */
export function hostIp({ config, overlay, cells, clock, log }: House): Stop | undefined {
  if (config.hostIp !== undefined) return undefined
  const own = cells.inputs.hostIp
  const bridge = overlay === undefined || config.director.length === 0 ? config.bridge : undefined
  const named = config.director.some(address => !isIPv4(address.replace(/:\d+$/, '')))
  let cancel = () => {}
  let stopped = false
  const look = async () => {
    const found = await findHostIp({ directors: config.director, bridge, known: own.get() })
    if (stopped) return
    if (found !== undefined && found !== own.get()) {
      log.info('the address of this host in the underlay', { address: found, before: own.get() })
      own.set(found)
    }
    cancel = clock.after(named ? LOOK_BY_NAME_MS : LOOK_MS, look)
  }
  void look()
  return () => {
    stopped = true
    cancel()
  }
}
