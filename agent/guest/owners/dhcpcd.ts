import { nameOf, setLine } from './hook.ts'
import type { Look, Owner } from './types.ts'

/** Where distributions keep the hooks (dhcpcd-run-hooks(8)). */
const HOOKS = ['/lib/dhcpcd/dhcpcd-hooks', '/usr/lib/dhcpcd/dhcpcd-hooks', '/usr/libexec/dhcpcd-hooks']

/** dhcpcd on its own: a hook of our own beside the others. dhcpcd-run-hooks reads hooks into its own shell, so it must not exit. */
export const dhcpcd: Owner = {
  name: 'dhcpcd',
  detect: async look => {
    const { nic } = look
    const file = await runningBy(look)
    if (file === undefined) return undefined
    const folder = await look.find(...HOOKS)
    return {
      owner: 'dhcpcd',
      why: `dhcpcd runs, says ${file}, and no other manager has ${nic}`,
      edits: vip =>
        folder === undefined
          ? `dhcpcd's folder of hooks is none of ${HOOKS.join(', ')}`
          : [
              [
                {
                  kind: 'file',
                  path: `${folder}/90-${nameOf(nic, vip)}`,
                  text: [
                    `if [ "$interface" = ${nic} ]; then`,
                    '  case $reason in',
                    `  BOUND | RENEW | REBIND | REBOOT | STATIC | INFORM | TIMEOUT | IPV4LL | CARRIER | ROUTERADVERT) ${setLine(nic, vip)} ;;`,
                    '  esac',
                    'fi',
                    '',
                  ].join('\n'),
                  neighbour: `${folder}/20-resolv.conf`,
                },
              ],
            ],
    }
  },
}

/** Path of the pid file of a dhcpcd that runs: one for all NICs, or one for this. */
async function runningBy({ nic, read }: Look): Promise<string | undefined> {
  for (const file of ['/run/dhcpcd/pid', `/run/dhcpcd/${nic}.pid`, '/run/dhcpcd.pid', `/run/dhcpcd-${nic}.pid`]) {
    const pid = (await read(file))?.trim() ?? ''
    // A dhcpcd that was killed leaves its file.
    if (/^\d+$/.test(pid) && (await read(`/proc/${pid}/comm`))?.trim() === 'dhcpcd') return file
  }
  return undefined
}
