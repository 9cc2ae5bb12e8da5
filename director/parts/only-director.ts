import { onlyOne } from '../../shared/rpc/socket.ts'
import type { House } from '../house.ts'

/** There is no other director here; the first part, for none may touch what another works on. */
export async function onlyDirector({ config, log }: House): Promise<undefined> {
  await onlyOne(config.controlSocket, log)
  return undefined
}
