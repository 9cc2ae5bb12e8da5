import { familyOf } from '../../../shared/net/family.ts'
import { AS_VIP } from '../ip.ts'
import type { Owner } from './types.ts'

const FOLDER = '/etc/sysconfig/network'

/**
 * SUSE's wicked: IPADDR, SCOPE and IP_OPTIONS with a suffix of our own (ifcfg(5), "Multiple addresses"). They belong in the owner's
 * ifcfg-NIC, because wicked has no drop-ins. It announces the address when it next sets up the NIC; the host keeps that from the network.
 */
export const wicked: Owner = {
  name: 'wicked',
  detect: async ({ nic, read, run }) => {
    const file = `${FOLDER}/ifcfg-${nic}`
    if ((await read(file)) === undefined) return undefined
    const status = await run('wicked', 'ifstatus', '--brief', nic)
    if (
      status === undefined ||
      !new RegExp(`^${nic.replaceAll('.', '\\.')}\\s+(?:up|setup-in-progress|config-changed)\\b`, 'm').test(status)
    )
      return undefined
    return {
      owner: 'wicked',
      why: `wicked has brought up ${nic} by ${file}`,
      edits: vip => {
        const { name, bits } = familyOf(vip)
        const suffix = `_crossport_${vip.replaceAll(/[.:]/g, '_')}`
        const how = name === 'IPv4' ? `SCOPE${suffix}='host'` : `IP_OPTIONS${suffix}='${AS_VIP.IPv6.join(' ')}'`
        return [[{ kind: 'lines', path: file, text: `IPADDR${suffix}='${vip}/${bits}'\n${how}\n` }]]
      },
    }
  },
}
