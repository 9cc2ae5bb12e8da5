import { nameOf, PATH_LINE, setLine } from './hook.ts'
import type { Look, Owned, Owner } from './types.ts'

const FOLDER = '/etc/NetworkManager/dispatcher.d'

/**
 * NetworkManager: a dispatcher script (NetworkManager-dispatcher(8)). A profile has no drop-ins, nmcli would rewrite the owner's file,
 * and NetworkManager announces every address of a profile.
 */
export const networkManager: Owner = {
  name: 'NetworkManager',
  detect: async look => {
    const connection = await connectionOf(look)
    return connection === undefined ? undefined : dispatched('NetworkManager', look.nic, connection)
  },
}

/** Name of the connection by which NetworkManager has brought up the NIC; undefined where it does not run, or only looks on. */
export async function connectionOf({ nic, run }: Look): Promise<string | undefined> {
  const fields = 'GENERAL.STATE,GENERAL.CONNECTION,GENERAL.NM-MANAGED'
  const text = await run('nmcli', '-t', '-f', fields, 'device', 'show', nic)
  if (text === undefined || !/^GENERAL\.NM-MANAGED:yes$/m.test(text)) return undefined
  // States from 40 (preparing) to 100 (connected), nm-dbus-interface.h; externally: somebody else has set the NIC up.
  const state = Number(/^GENERAL\.STATE:(\d+)/m.exec(text)?.[1] ?? 0)
  if (state < 40 || state > 100 || /^GENERAL\.STATE:.*externally/m.test(text)) return undefined
  return /^GENERAL\.CONNECTION:(.*)$/m.exec(text)?.[1]
}

export function dispatched(owner: string, nic: string, connection: string): Owned {
  return {
    owner,
    why: `NetworkManager has brought up ${nic} by its connection ${JSON.stringify(connection.slice(0, 100))}`,
    edits: vip => [
      [
        {
          kind: 'file',
          path: `${FOLDER}/90-${nameOf(nic, vip)}`,
          text: [
            '#!/bin/sh',
            `[ "$1" = ${nic} ] || exit 0`,
            PATH_LINE,
            'case $2 in',
            `up | reapply | dhcp4-change | dhcp6-change) ${setLine(nic, vip)} ;;`,
            'esac',
            '',
          ].join('\n'),
          neighbour: FOLDER,
          script: true,
        },
      ],
    ],
  }
}
