import { familyOf, IPV4 } from '../../../shared/net/family.ts'
import { nameOf } from './hook.ts'
import type { Look, Owned, Owner } from './types.ts'

const FOLDER = '/etc/systemd/network'
const FILE = /^NETWORK_FILE=(\/(?:[\w@.:-]+\/)*[\w@.:-]+\.network)$/m

/**
 * systemd-networkd: a drop-in of the .network file that it has taken for the NIC, wherever that is (systemd.network(5)). It reads a
 * new one when it starts or reconfigures the NIC.
 */
export const networkd: Owner = {
  name: 'systemd-networkd',
  detect: async look => {
    const file = await networkFile(look)
    return file === undefined ? undefined : dropIn('systemd-networkd', look.nic, file)
  },
}

/** Path of the .network file by which networkd configures the NIC; undefined where it does not run, or leaves the NIC alone. */
export async function networkFile({ nic, read }: Look): Promise<string | undefined> {
  const index = (await read(`/sys/class/net/${nic}/ifindex`))?.trim()
  if (index === undefined || !/^\d+$/.test(index)) return undefined
  // sd-network(3) reads the same; networkctl prints "unmanaged" both for such a NIC and where no networkd runs.
  const state = await read(`/run/systemd/netif/links/${index}`)
  if (state === undefined || !/^ADMIN_STATE=configur(?:ed|ing)$/m.test(state)) return undefined
  return FILE.exec(state)?.[1]
}

export function dropIn(owner: string, nic: string, file: string): Owned {
  const folder = `${FOLDER}/${file.slice(file.lastIndexOf('/') + 1)}.d`
  return {
    owner,
    why: `systemd-networkd configures ${nic} by ${file}`,
    edits: vip => [
      [
        {
          kind: 'file',
          path: `${folder}/${nameOf(nic, vip)}.conf`,
          text: section(vip),
          neighbour: file,
          folders: [FOLDER, folder],
        },
      ],
    ],
  }
}

/** Equal to what the agent sets with ip(8), so that networkd changes nothing when it reads this. */
function section(vip: string): string {
  const family = familyOf(vip)
  return [
    '[Address]',
    `Address=${vip}/${family.bits}`,
    family === IPV4 ? 'Scope=host' : 'PreferredLifetime=0',
    'DuplicateAddressDetection=none',
    'AddPrefixRoute=no',
    '',
  ].join('\n')
}
