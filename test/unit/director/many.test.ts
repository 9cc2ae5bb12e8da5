import { rename, writeFile } from 'node:fs/promises'
import test from 'ava'
import { registrationClient } from '../../../shared/rpc/client.ts'
import type { DirectorMessage__Output } from '../../../shared/rpc/gen/crossport/v1/DirectorMessage.ts'
import { networkForFile } from './network.ts'
import { directory, installed, realServer, startAgent, startDirector } from './running.ts'

const prepared = networkForFile({ ports: 0 })
const SERVICES = 40
const vipOf = (n: number) => `10.10.2.${n}`
const file = (n: number, clients = '0.0.0.0/0') =>
  `service: s${n}\nvip: ${vipOf(n)}\nport: 80\nscheduler: sh\nclients: [${clients}]\nrealServers: [{ vm: vm-*, port: 8080 }]\n`

test.serial('one service of many changes: no other flow is written, no other document sent', async t => {
  const network = await prepared(t)
  const dir = await directory(t)
  const drop = async (n: number, text: string) => {
    await writeFile(`${dir}/services.d/s${n}.yaml.tmp`, text)
    await rename(`${dir}/services.d/s${n}.yaml.tmp`, `${dir}/services.d/s${n}.yaml`)
  }
  const all = Array.from({ length: SERVICES }, (_, n) => n)
  for (const n of all) await drop(n, file(n))
  const director = await startDirector(t, network, dir)
  const real = (n: number, host: number) =>
    realServer(`vm-${host}`, { id: `s${n}/vm-${host}`, service: `s${n}`, vip: vipOf(n) })
  const lists = [0, 1].map(host => all.map(n => real(n, host)))
  const agents = lists.map((list, host) => startAgent(t, network, dir, host, list))

  const sent: string[][] = []
  const client = registrationClient(`unix:${dir}/agents.sock`, undefined)
  const call = client.Attach()
  call.on('error', () => {})
  call.on('data', ({ services }: DirectorMessage__Output) => {
    if (services) sent.push(services.documents.map(({ file }) => file.replace(/.*\//, '')))
  })
  t.teardown(() => {
    call.cancel()
    client.close()
  })
  call.write({
    registration: { hostId: 'rs9', hostMac: '02:00:00:00:00:99', hostIp: '172.24.1.99', documentChanges: true },
  })
  await director.until(
    ({ hosts, services }) =>
      hosts.length === 3 &&
      services.length === SERVICES &&
      services.every(({ realServers }) => realServers.length === 2 && realServers.every(rs => rs.state === 'ready')),
  )

  t.deepEqual(
    sent.map(documents => documents.length),
    [SERVICES],
  )

  /** Age in seconds of the flows that were not written anew. */
  const ages = async () => {
    const lines = (await network.ofctl(['dump-flows'])).split('\n').filter(line => line.includes('cookie=0xc7052'))
    return new Map(
      lines.map(line => [
        line.replace(/duration=\S+ |n_packets=\S+ |n_bytes=\S+ |idle_age=\S+ /g, ''),
        Number(/duration=([\d.]+)/.exec(line)?.[1]),
      ]),
    )
  }
  const changes = async () => Number((await director.status()).switch?.flowChanges)
  const commits = async () => Number((await director.status()).switch?.commits)
  const before = await ages()
  const groups = async () => (await installed(network)).match(/group_id=.*/g)!.sort()
  const groupsBefore = await groups()
  const count = await changes()

  await drop(7, file(7, '10.10.0.0/16'))
  await director.until(({ switch: now }) => Number(now?.flowChanges) > count)
  t.is(await changes(), count + 2, 'one flow came, one went')
  const after = await ages()
  const kept = [...before].filter(([flow]) => after.has(flow))
  t.is(kept.length, before.size - 1)
  for (const [flow, age] of kept) t.true(after.get(flow)! >= age, flow)
  t.deepEqual(sent.slice(1), [['s7.yaml']])

  const bundles = await commits()
  agents[0]!.update(lists[0]!.with(3, { ...real(3, 0), state: 'draining', weight: 0 }))
  await director.until(({ switch: now }) => Number(now?.commits) > bundles)
  const different = (await groups()).filter(group => !groupsBefore.includes(group))
  t.is(different.length, 1, 'one group was changed')
  const last = await ages()
  for (const [flow, age] of after) if (last.has(flow)) t.true(last.get(flow)! >= age, flow)
  t.is(sent.length, 2)
})
