import { clearSocket } from '../../shared/rpc/socket.ts'
import type { House } from '../house.ts'

/** There is no other agent here; the first part, for none may touch what another works on. */
export async function onlyAgent({ config }: House): Promise<undefined> {
  await clearSocket(config.controlSocket)
  return undefined
}
