import { writeFile } from 'node:fs/promises'
import test from 'ava'
import { startNetwork, VIP } from './network.ts'
import { curlCounts, directory, inSwitch, realServer, serve, startAgent, startDirector } from './running.ts'

const service = (more: string) => `service: web
vip: ${VIP}
port: 80
realServers: [{ vm: web-*, port: 8080 }]
${more}
`
const drop = (dir: string, more: string) => writeFile(`${dir}/services.d/web.yaml`, service(more))

test.serial('rr: 300 requests of a person with curl are shared evenly', async t => {
  const network = await startNetwork(t, 3)
  const dir = await directory(t, network)
  await serve(network)
  await drop(dir, 'scheduler: rr')
  const director = await startDirector(t, network, dir)
  for (const n of [0, 1, 2]) startAgent(t, network, dir, n, [realServer(`web-${n}`)])
  await director.until(inSwitch(3))
  const counts = [...(await curlCounts(network, 300)).values()]
  t.log(counts)
  t.is(counts.length, 3)
  t.true(Math.max(...counts) / Math.min(...counts) <= 1.1, counts.join(' '))
})
