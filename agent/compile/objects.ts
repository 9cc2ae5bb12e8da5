import type { RealServer } from '../real-servers/types.ts'

/** Names of the compiled objects that carry a real server's requests and replies and shield its VIP. */
export function flowsOf({ key, vip, attachment: at }: RealServer): readonly string[] {
  return [`rs/${key}`, `shield/${vip}/${at?.port}`, `vip/${vip}/${at?.tag ?? 'untagged'}`, 'host']
}
