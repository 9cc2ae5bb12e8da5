import { parseIcmpError } from '../../shared/packet/icmp-error.ts'
import type { Lab } from '../../test/lab/lab.ts'
import { VIP } from './packets.ts'
import type { Printer } from './print.ts'

/** MTU of the router's link to the second client. */
export const SMALL_MTU = 1280

/**
 * The router cannot pass on the VM's packet, and sends an error to the VIP about the VIP's port. The connection survives only if
 * the right VM gets the error, with its own port in it.
 */
export async function showPathMtu(lab: Lab, print: Printer): Promise<void> {
  const captures = await Promise.all(lab.vms.map(async vm => ({ vm, capture: await lab.capture(vm.name, 'icmp') })))
  const write = ['-o', '/dev/null', '-w', '%{size_download} %{time_total}']
  const { stdout } = await lab
    .host('client2')
    .exec(['curl', '-s', '-m', '60', ...write, `http://${VIP}/big`], { check: false, timeoutMs: 70_000 })
  const [size = '0', seconds = '0'] = stdout.split(' ')
  const heard: string[] = []
  for (const { vm, capture } of captures) {
    for (const packet of await capture.stop()) {
      const error = parseIcmpError(packet.bytes)
      if (error === undefined) continue
      const { src, srcPort, dst, dstPort } = error.cited
      heard.push(`${vm.name} hears: fragmentation needed, about its packet ${src}:${srcPort} > ${dst}:${dstPort}`)
    }
  }
  if (heard[0] !== undefined) print.line(heard[0])
  print.line(`client2 has received ${size} bytes in ${Number(seconds).toFixed(2)} s`)
  print.check('path MTU discovery works across translated ports', Number(size) > 1_000_000 && heard.length > 0)
}
