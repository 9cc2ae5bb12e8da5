import { isDeepStrictEqual } from 'node:util'
import { recallMacOf } from '../../director/compile/fabric.ts'
import type { Lab } from '../../test/lab/lab.ts'
import { traceRequest } from '../../test/lab/trace.ts'
import type { Printer } from './print.ts'

export const VIP = '10.10.1.100'

/** One request from port 36000, captured at all places at once, with its headers at each. */
export async function showPackets(lab: Lab, print: Printer): Promise<void> {
  const overlay = lab.plan.overlay !== undefined
  const trace = await traceRequest(lab, VIP, 80, 8080, 36_000)
  const names = new Map([
    ...lab.plan.clients.map(client => [client.mac, client.name] as const),
    ...lab.plan.hosts.map(host => [host.mac, host.name] as const),
    ...lab.plan.hosts
      .filter(({ role }) => role === 'director')
      .map(host => [recallMacOf(host.mac), `${host.name}, R`] as const),
    ...lab.vms.map(vm => [vm.plan.mac, vm.name] as const),
  ])
  const mac = (address: string) => `${address} (${names.get(address) ?? 'unknown'})`
  print.table([
    ['packet', 'IP src', 'IP dst', 'MAC src', 'MAC dst', ...(overlay ? ['outer IP src > dst'] : [])],
    ...trace.hops.map(({ what, ipSrc, ipDst, ethSrc, ethDst, outer }) => {
      return [what, ipSrc, ipDst, mac(ethSrc), mac(ethDst), ...(outer === undefined ? [] : [outer])]
    }),
  ])
  if (trace.ingressPort !== 8080) {
    print.line(
      `${trace.vm.name} shares its host and port 8080 with another VM: its ingress port is ${trace.ingressPort}.`,
    )
  }
  print.check('every packet has the addresses that it must have', isDeepStrictEqual(trace.hops, trace.expected))
  print.check(
    'no packet of the reply was seen at the director',
    trace.repliesAtDirector === 0,
    `${trace.repliesAtDirector} seen`,
  )
  const { frames, bytes } = trace.signals
  print.check(
    'the host tells the director how the connection begins and ends, in three small frames at most',
    frames > 0 && frames <= 3,
    `${frames} of ${bytes} bytes together`,
  )
}
