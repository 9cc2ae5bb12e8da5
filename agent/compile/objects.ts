import type { RealServer } from '../real-servers/types.ts'

/** Everything in the switch that request, reply and VIP of a real server need. */
export function flowsOf({ key, vip, attachment: at }: RealServer): readonly string[] {
  return [`rs/${key}`, `shield/${vip}/${at?.port}`, `vip/${vip}/${at?.tag ?? 'untagged'}`, 'host']
}
