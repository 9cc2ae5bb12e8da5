import { onlyOne } from '../../shared/rpc/socket.ts'
import type { House } from '../house.ts'

/** Fails when another agent runs on this host. It is the first part, because two agents must not work on one switch. */
export async function onlyAgent({ config, log }: House): Promise<undefined> {
  await onlyOne(config.controlSocket, log)
  return undefined
}
