import { nameOf, PATH_LINE, setLine } from './hook.ts'
import type { Owner } from './types.ts'

const FOLDER = '/etc/network/if-up.d'

/** Where each keeps which NICs are up, one `NIC=NAME` a line. */
const STATES = [
  ['ifupdown', '/run/network/ifstate'],
  // BusyBox as in Alpine, and ifupdown-ng, which has more words in each line.
  ['ifupdown of BusyBox or ifupdown-ng', '/run/ifstate'],
] as const

/**
 * ifupdown in its three forms: a script in if-up.d (interfaces(5), ifup(8) of BusyBox, ifupdown-executor(7)). It runs after the
 * owner's addresses are there, whether /etc/network/interfaces reads other files or not. A stanza of its own would be worse: the
 * method `static` makes a broadcast address of the VIP, and switches off autoconfiguration of IPv6.
 */
export const ifupdown: Owner = {
  name: 'ifupdown',
  detect: async ({ nic, read }) => {
    for (const [owner, state] of STATES) {
      const lines = (await read(state))?.split('\n') ?? []
      if (!lines.some(line => line.startsWith(`${nic}=`))) continue
      return {
        owner,
        why: `ifup has brought up ${nic}, says ${state}`,
        edits: vip => [
          [
            {
              kind: 'file',
              path: `${FOLDER}/${nameOf(nic, vip)}`,
              text: ['#!/bin/sh', `[ "$IFACE" = ${nic} ] || exit 0`, PATH_LINE, setLine(nic, vip), ''].join('\n'),
              neighbour: FOLDER,
              script: true,
              folders: [FOLDER],
            },
          ],
        ],
      }
    }
    return undefined
  },
}
