import type { Commands } from '../commands.ts'
import type { Qga } from '../qga.ts'
import { osReply } from '../replies.ts'
import { LINUX } from './linux.ts'
import type { GuestSystem } from './types.ts'
import { WINDOWS } from './windows.ts'

/** Asks the guest agent, where it is new enough to say. */
export async function systemOf(qga: Qga, commands: Commands): Promise<GuestSystem> {
  if (!commands.has('guest-get-osinfo')) return LINUX
  const { id } = await qga.call(osReply, 'guest-get-osinfo')
  return id === 'mswindows' ? WINDOWS : LINUX
}
