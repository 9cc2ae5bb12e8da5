import { createHash } from 'node:crypto'
import { familyOf, IPV4 } from '../../../shared/net/family.ts'
import type { FileEdit } from '../edits.ts'
import type { Owner } from './types.ts'

const FOLDER = '/etc/sysconfig/network-scripts'
/** Longest name of NIC, colon and label: IFNAMSIZ without its terminating zero (netdevice(7)). */
const NAME_MAX = 15
const ATTEMPTS = 8

/**
 * Red Hat's network-scripts: an alias file beside ifcfg-NIC (initscripts' sysconfig.txt, "Alias interfaces"), read by
 * ifup-aliases. ARPCHECK and ARPUPDATE keep ifup-aliases from probing for the VIP and announcing it, because the VIP is the
 * director's. It has no word for the scope, so the agent sets the address anew after a boot.
 */
export const networkScripts: Owner = {
  name: 'network-scripts',
  detect: async ({ nic, read }) => {
    if ((await read(`${FOLDER}/ifcfg-${nic}`)) === undefined) return undefined
    return {
      owner: 'network-scripts',
      why: `${FOLDER}/ifcfg-${nic} is there, and no other manager has ${nic}`,
      edits: vip => {
        // Further IPv6 addresses belong in ifcfg-NIC itself, a file that is not ours (sysconfig.txt, IPV6ADDR_SECONDARIES).
        if (familyOf(vip) !== IPV4) return 'network-scripts has no place for an IPv6 address'
        const files = aliasFiles(nic, vip)
        return files.length > 0
          ? files.map(file => [file])
          : `the name of ${nic} leaves no room for an alias (15 characters)`
      },
    }
  },
}

/** The files that may hold the VIP, best first. */
export function aliasFiles(nic: string, vip: string): readonly FileEdit[] {
  return labels(nic, vip).map(label => ({
    kind: 'file',
    path: `${FOLDER}/ifcfg-${nic}:${label}`,
    text: [
      `DEVICE=${nic}:${label}`,
      `IPADDR=${vip}`,
      'PREFIX=32',
      'NETMASK=255.255.255.255',
      'ONPARENT=yes',
      'ARPCHECK=no',
      'ARPUPDATE=no',
      '',
    ].join('\n'),
    neighbour: `${FOLDER}/ifcfg-${nic}`,
  }))
}

/** ifup-aliases accepts letters, digits and underscores only. */
function labels(nic: string, vip: string): readonly string[] {
  const space = NAME_MAX - nic.length - 1
  if (space < 2) return []
  // An IPv4 address has at most seven digits in base 36. Where these fit, no two VIPs share a label.
  const exact = Number(IPV4.parse(vip)).toString(36).padStart(7, '0')
  if (space >= exact.length + 2) return [`cp${exact}`]
  if (space >= exact.length) return [exact]
  return Array.from({ length: ATTEMPTS }, (_, i) => {
    const digest = createHash('sha256').update(`${vip} ${i}`).digest().readBigUInt64BE(0)
    return digest.toString(36).padStart(space, '0').slice(-space)
  })
}
