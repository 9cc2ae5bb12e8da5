import { familyOf, IPV4 } from '../../../shared/net/family.ts'
import type { Owner } from './types.ts'

const FOLDER = '/etc/sysconfig/network'

/**
 * SUSE's wicked: IPADDR and SCOPE with a suffix of our own (ifcfg(5), "Multiple addresses"). They belong in the owner's ifcfg-NIC,
 * because wicked has no drop-ins. It announces the address when it next sets up the NIC; the host keeps that from the network.
 */
export const wicked: Owner = {
  name: 'wicked',
  detect: async ({ nic, read, run }) => {
    const file = `${FOLDER}/ifcfg-${nic}`
    if ((await read(file)) === undefined) return undefined
    const status = await run('wicked', 'ifstatus', '--brief', nic)
    if (
      status === undefined ||
      !new RegExp(`^${nic.replaceAll('.', '\\.')}\\s+(?:up|setup-in-progress)\\b`, 'm').test(status)
    )
      return undefined
    return {
      owner: 'wicked',
      why: `wicked has brought up ${nic} by ${file}`,
      edits: vip => {
        // Nothing is documented that would keep an IPv6 address from becoming a source.
        if (familyOf(vip) !== IPV4) return 'wicked has no place for an IPv6 address that is no source'
        const suffix = `_cp${Number(IPV4.parse(vip)).toString(36).padStart(7, '0')}`
        return [[{ kind: 'lines', path: file, text: `IPADDR${suffix}='${vip}/32'\nSCOPE${suffix}='host'\n` }]]
      },
    }
  },
}
