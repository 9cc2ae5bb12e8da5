import { writeFile } from 'node:fs/promises'
import test from 'ava'
import { curl, networkForFile, VIP } from './network.ts'
import { directory, inSwitch, installed, realServer, startAgent, startDirector } from './running.ts'

const long = process.env.CROSSPORT_LONG === '1'
/** Real servers on one host, each with a port of its own. */
const MOST = 30
const prepared = networkForFile({ hosts: 1, ports: MOST })

test.serial(
  'rr: 300 requests of a person with curl are shared exactly evenly, with and without the director',
  async t => {
    const network = await prepared(t)
    const dir = await directory(t)
    t.timeout(long ? 600_000 : 120_000)
    const drop = (more: string) =>
      writeFile(
        `${dir}/services.d/web.yaml`,
        `service: web\nvip: ${VIP}\nport: 80\n${more}\nrealServers: [{ vm: web-*, port: 8080 }]\n`,
      )
    const servers = (count: number) =>
      Array.from({ length: count }, (_, i) => realServer(`web-${i}`, { ingressPort: 8080 + i }))
    await drop('scheduler: rr')
    const director = await startDirector(t, network, dir)
    const agent = startAgent(t, network, dir, 0, [])
    const even = (counts: ReadonlyMap<string, number>, of: number, what: string) => {
      const list = [...counts.values()]
      t.log(what, list.join(' '))
      t.is(list.length, of, what)
      t.true(Math.max(...list) - Math.min(...list) <= 1, `${what}: ${list.join(' ')}`)
    }
    for (const count of long ? [2, 3, 5, 7, 10, 20, MOST] : [7, MOST]) {
      agent.update(servers(count))
      await director.until(inSwitch(count))
      for (const clients of long ? [1, 1, 1, 4, 4, 4] : [1, 4]) {
        even(await curl(network, 300, clients), count, `${count} real servers, ${clients} at a time`)
      }
    }
    const before = await installed(network)
    await director.stop()
    even(await curl(network, 300), MOST, 'the director is stopped')
    const again = await startDirector(t, network, dir)
    await again.until(inSwitch(MOST))
    t.is(await installed(network), before, 'a restart changes nothing')
  },
)
