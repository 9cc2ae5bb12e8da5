import type { Log } from '../log.ts'
import { MULTIPART, readMultipart, TYPE } from '../openflow/header.ts'
import { type Frame, refusalName } from './frame.ts'
import type { DriftWatch } from './monitor.ts'
import { toPacketIn } from './packet.ts'
import type { SwitchHandlers } from './types.ts'

/** Handles messages that answer no request. A message that cannot be decoded is logged, and does not end the session. */
export function createUnsolicited(watch: DriftWatch, handlers: SwitchHandlers, log: Log): (frame: Frame) => void {
  const route = (frame: Frame) => {
    if (frame.type === TYPE.PACKET_IN) return handlers.onPacketIn?.(toPacketIn(frame))
    if (frame.type === TYPE.REQUESTFORWARD) return watch.groupChange(frame)
    if (frame.type === TYPE.ERROR) return log.warn(`the switch reports ${refusalName(frame)} for an unknown request`)
    if (frame.type === TYPE.MULTIPART_REPLY && readMultipart(frame.bytes).type === MULTIPART.FLOW_MONITOR)
      return watch.flowUpdates(frame)
    log.debug(`message of type ${frame.type} ignored`)
  }
  return frame => {
    try {
      route(frame)
    } catch (err) {
      log.warn('a message of the switch cannot be read', { err, type: frame.type })
      if (frame.type !== TYPE.PACKET_IN) handlers.onDrift('a change that cannot be read')
    }
  }
}
