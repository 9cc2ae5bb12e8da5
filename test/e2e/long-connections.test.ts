import test from 'ava'
import { CONTROL_SOCKETS } from '../lab/daemons.ts'
import { createSite, type Site, startEcho, VIP } from './fixture.ts'

// 200 connections of a client that never lets go, to an echo service in three VMs on two hosts.
const COUNT = 200
const PORT = 9000
const STOP = '/run/stop-long-lived'
let site: Site

test.before(async () => {
  site = await createSite({ hosts: 2, vms: 3 })
  await startEcho(site.lab.vms, PORT)
})

test.after.always(() => site?.down())

const echo = (realServers: readonly object[], more: object = {}) =>
  `${JSON.stringify({ service: 'echo', vip: VIP, port: PORT, scheduler: 'rr', drainTimeout: 600, realServers, ...more })}\n`
const rs = (vm: string, more: object = {}) => ({ vm, port: PORT, ...more })

test.serial('200 long-lived connections lose none, whatever changes', async t => {
  const { lab, director } = site
  const drop = async (text: string, what: string, accept: Parameters<typeof director.until>[1]) => {
    await site.drop('echo.yaml', text)
    await director.until(what, accept)
  }
  await drop(echo([rs('web-[12]')]), 'two ready', s => states(s).join() === 'ready,ready')
  const program = new URL('programs/long-lived.ts', import.meta.url).pathname
  const holder = await lab.client.spawn([process.execPath, program, VIP, String(PORT), String(COUNT), STOP])
  await holder.waitForLine(/^open/, 180_000)

  // Added, weighed, scheduled otherwise, drained, removed; one change in force before the next.
  await drop(echo([rs('web-*')]), 'a third one', s => states(s).join() === 'ready,ready,ready')
  for (const scheduler of ['wlc', 'sh', 'mh', 'lc', 'sed', 'nq', 'dh', 'wrr']) {
    await drop(echo([rs('web-*')], { scheduler }), scheduler, s => s.services[0]?.scheduler === scheduler)
  }
  const weighed = [rs('web-1', { weight: 3 }), rs('web-2', { weight: 1 }), rs('web-3', { weight: 9 })]
  await drop(echo(weighed), 'weights', s => weights(s).join() === '1,3,9')
  await drop(echo([rs('web-1', { weight: 0 }), rs('web-[23]')]), 'a drained one', s => states(s).includes('draining'))
  await drop(echo([rs('web-[23]')]), 'removed ones stay, drained', s => weights(s).join() === '0,1,1')
  await drop(echo([rs('web-3')]), 'and another', s => weights(s).join() === '0,0,1')
  await drop(echo([rs('web-*')]), 'all back', s => states(s).join() === 'ready,ready,ready')
  const persistence = { timeout: 60 }
  await drop(
    echo([rs('web-*')], { scheduler: 'wlc', persistence }),
    'persistence',
    s => s.services[0]?.scheduler === 'wlc',
  )

  await director.kill()
  await Promise.all(['rs1', 'rs2'].map(host => site.agent(host).kill()))
  await Promise.all([director.start(), ...['rs1', 'rs2'].map(host => site.agent(host).start())])
  await director.until(
    'all back after the restarts',
    s => s.hosts.every(host => host.state === 'connected') && states(s).join() === 'ready,ready,ready',
  )

  const listed = await lab.director.exec([
    process.execPath,
    new URL('../../cli/main.ts', import.meta.url).pathname,
    ...['connections', '--json', '--socket', CONTROL_SOCKETS.director],
  ])
  t.is(listed.stdout.split('\n').filter(line => line.includes('"state":"active"')).length, COUNT)
  await lab.client.writeFile(STOP, '')
  t.deepEqual(JSON.parse(await holder.waitForLine(/^\{/)), { count: COUNT, lost: [], silent: 0 })
})

type Status = Awaited<ReturnType<Site['director']['until']>>
const states = (status: Status) => status.services[0]?.realServers.map(one => one.state).sort() ?? []
const weights = (status: Status) => status.services[0]?.realServers.map(one => one.weight).sort() ?? []
