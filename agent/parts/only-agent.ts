import { clearSocket } from '../../shared/rpc/socket.ts'
import type { Part } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'

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
