import path from 'node:path'

const here = import.meta.dirname

/** Root of the repository. */
export const root = path.join(here, '../..')
/** The guest image that scripts/guest-image builds: kernel, initrd.img, busybox, qemu-ga, etc/. */
export const guestImage = path.join(root, 'build/guest/current')
/** Result of libvirt's probing of QEMU in an earlier lab. */
export const capabilitiesCache = path.join(root, 'build/lab/capabilities')

/** A script that runs inside the namespaces. */
export function insideScript(name: 'lab' | 'host' | 'switch' | 'libvirt'): string {
  return path.join(here, 'inside', `${name}.sh`)
}
