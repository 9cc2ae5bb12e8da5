import { readFile } from 'node:fs/promises'
import test from 'ava'
import { createSite, type Site, service, startEcho } from '../e2e/fixture.ts'
import { DATAPATH } from '../lab/datapath.ts'
import { faultTests } from './faults.ts'
import { floodTests } from './floods.ts'
import { ECHO } from './held.ts'
import { switchTests } from './switch.ts'
import { trafficTests } from './traffic.ts'

// One segment on the kernel's datapath (run by scripts/machine, see scripts/test.ts): web-1 and web-2 share a host, web-3 is on
// another. Offloads are on and links have four queues; the director's uplink is a bond, rs2's a VLAN device.
let site: Site

test.before('the machine and the lab', async t => {
  t.timeout(180_000)
  if (DATAPATH !== 'system') throw new Error('these tests need the test machine: npm run test:kernel')
  site = await createSite({
    hosts: 2,
    uplinks: { director: 'bond', rs2: 'vlan' },
    clients: [{}, { gateway: { mtu: 1280 } }],
    vms: [
      { name: 'web-1', host: 0 },
      { name: 'web-2', host: 0 },
      { name: 'web-3', host: 1 },
    ],
  })
  await startEcho(site.lab.vms, ECHO)
  await site.drop('web.yaml', service())
  await site.ready('web', 3)
})

test.after.always(() => site?.down())

/** The machine vanishes afterwards, so the daemons' last messages are printed here. */
test.afterEach.always(async t => {
  if (t.passed || site === undefined) return
  for (const [place, daemon] of [['director', 'director'], ['rs1', 'agent'], ['rs2', 'agent']] as const) // biome-ignore format: a table
    t.log((await readFile(`${site.lab.dir}/${place}-${daemon}.log`, 'utf8')).split('\n').slice(-12).join('\n'))
})

trafficTests(() => site)
switchTests(() => site)
floodTests(() => site)
faultTests(() => site)
