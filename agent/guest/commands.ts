import { CrossportError } from '../../shared/errors.ts'
import type { Qga } from './qga.ts'
import { commandsReply, freezeReply } from './replies.ts'

export interface Commands {
  has(...names: readonly string[]): boolean
}

/** Commands without which nothing can be done in a guest. */
const NEEDED = ['guest-network-get-interfaces', 'guest-exec', 'guest-exec-status']

/**
 * Reads which commands the guest agent offers. Throws GUEST_AGENT_FROZEN while the guest's file systems are frozen (the guest
 * agent then refuses all but a few commands), and GUEST_COMMANDS_BLOCKED when a needed command is blocked or unknown, with the
 * place to mend it.
 */
export async function readCommands(qga: Qga): Promise<Commands> {
  const { version, supported_commands: list } = await qga.call(commandsReply, 'guest-info')
  const enabled = new Set(list.filter(command => command.enabled).map(command => command.name))
  const missing = NEEDED.filter(name => !enabled.has(name))
  if (missing.length === 0) return { has: (...names) => names.every(name => enabled.has(name)) }

  if (enabled.has('guest-fsfreeze-status') && (await qga.call(freezeReply, 'guest-fsfreeze-status')) === 'frozen')
    throw new CrossportError('GUEST_AGENT_FROZEN', "the guest's file systems are frozen, by a backup for example")
  const known = new Set(list.map(command => command.name))
  const unknown = missing.filter(name => !known.has(name))
  if (unknown.length > 0)
    throw new CrossportError(
      'GUEST_COMMANDS_BLOCKED',
      `the guest agent, version ${version}, does not know ${unknown.join(', ')}: install a newer qemu-guest-agent`,
    )
  throw new CrossportError(
    'GUEST_COMMANDS_BLOCKED',
    `the guest agent's configuration forbids ${missing.join(', ')}: allow them in the guest in /etc/sysconfig/qemu-ga ` +
      '(take them out of BLACKLIST_RPC, or add them to --allow-rpcs in FILTER_RPC_ARGS) or in /etc/qemu/qemu-ga.conf ' +
      '(block-rpcs, allow-rpcs), then restart qemu-guest-agent',
  )
}
