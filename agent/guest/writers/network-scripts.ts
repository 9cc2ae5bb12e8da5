import { createHash } from 'node:crypto'
import { IPV4 } from '../../../shared/net/family.ts'
import type { PersistWriter } from './types.ts'

const FOLDER = '/etc/sysconfig/network-scripts'
/** Longest name of NIC, colon and label: IFNAMSIZ without its terminating zero (netdevice(7)). */
const NAME_MAX = 15
const ATTEMPTS = 8

/**
 * Red Hat's network-scripts: an alias file beside ifcfg-NIC (initscripts' sysconfig.txt, "Alias interfaces"), read by
 * ifup-aliases and by NetworkManager's ifcfg-rh plugin. ARPCHECK and ARPUPDATE keep ifup-aliases from probing for the VIP and
 * announcing it, because the VIP is the director's.
 */
export const networkScripts: PersistWriter = {
  name: 'network-scripts',
  // Further IPv6 addresses belong in ifcfg-NIC itself, a file that is not ours (sysconfig.txt, IPV6ADDR_SECONDARIES).
  families: [IPV4],
  detect: async (files, nic) => (await files.read(`${FOLDER}/ifcfg-${nic}`)) !== undefined,
  paths: (nic, vip) => labels(nic, vip).map(label => `${FOLDER}/ifcfg-${nic}:${label}`),
  neighbour: nic => `${FOLDER}/ifcfg-${nic}`,
  text: (_nic, vip, path) =>
    [
      `DEVICE=${path.slice(path.lastIndexOf('/ifcfg-') + '/ifcfg-'.length)}`,
      `IPADDR=${vip}`,
      'PREFIX=32',
      'NETMASK=255.255.255.255',
      'ONPARENT=yes',
      'ARPCHECK=no',
      'ARPUPDATE=no',
      '',
    ].join('\n'),
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
