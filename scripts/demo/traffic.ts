import type { Lab } from '../../test/lab/lab.ts'
import type { Place } from '../../test/lab/place.ts'
import { VIP } from './packets.ts'
import type { Printer } from './print.ts'

/** `count` requests by curl, each on a connection of its own; how many each VM has answered. */
export async function request(lab: Lab, count: number): Promise<Map<string, number>> {
  const script = `for i in $(seq ${count}); do curl -s -m 10 http://${VIP}/ || echo failed; done`
  const { stdout } = await lab.client.exec(['sh', '-c', script], { timeoutMs: 120_000, check: false })
  const shares = new Map<string, number>()
  for (const name of stdout.split('\n').filter(line => line !== '')) shares.set(name, (shares.get(name) ?? 0) + 1)
  return shares
}

export function showShares(print: Printer, lab: Lab, shares: ReadonlyMap<string, number>): void {
  const total = [...shares.values()].reduce((sum, n) => sum + n, 0)
  const hostOf = (name: string) => lab.vms.find(vm => vm.name === name)?.plan.host ?? '-'
  print.table([
    ['answered by', 'on host', 'requests', 'share'],
    ...[...shares].sort().map(([name, n]) => [name, hostOf(name), String(n), `${((100 * n) / total).toFixed(1)} %`]),
  ])
}

async function bytes(place: Place, dev: string): Promise<{ rx: number; tx: number }> {
  const read = async (counter: string) =>
    Number((await place.exec(['cat', `/sys/class/net/${dev}/statistics/${counter}`])).stdout)
  return { rx: await read('rx_bytes'), tx: await read('tx_bytes') }
}

/** Downloads, and counts the bytes at the uplinks of client and director: replies never pass the director. */
export async function showBytes(lab: Lab, print: Printer): Promise<void> {
  const before = { client: await bytes(lab.client, 'eth0'), director: await bytes(lab.director, 'uplink0') }
  const { stdout } = await lab.client.exec(
    ['curl', '-s', '-m', '60', '-o', '/dev/null', '-w', '%{size_download}', `http://${VIP}/big`],
    { timeoutMs: 70_000 },
  )
  const after = { client: await bytes(lab.client, 'eth0'), director: await bytes(lab.director, 'uplink0') }
  const received = after.client.rx - before.client.rx
  const director = after.director.rx - before.director.rx + after.director.tx - before.director.tx
  print.table([
    ['download of', 'received by the client', 'in and out of the director'],
    [`${stdout} bytes`, `${received} bytes`, `${director} bytes (${((100 * director) / received).toFixed(1)} %)`],
  ])
  print.check('the download went past the director', Number(stdout) > 1_000_000 && director < received / 5)
}
