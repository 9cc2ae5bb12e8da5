import test from 'ava'
import { createSite, type Site, service, VIP } from './fixture.ts'

let site: Site

test.before(async () => {
  site = await createSite({
    hosts: 2,
    vlans: true,
    clientVlan: 10,
    vms: [
      { name: 'web-1', host: 0, vlan: 10 },
      { name: 'web-2', host: 1, vlan: 10 },
    ],
  })
  // Ready is who answers a check, too: it travels without the tag.
  await site.drop('web.yaml', service({ check: { type: 'tcp' } }))
  await site.ready('web', 2)
})

test.after.always(() => site?.down())

test.serial('VMs on an access VLAN serve a client in that VLAN, and the tag is on the wire both ways', async t => {
  const capture = await site.lab.capture('rs1', `vlan 10 and host ${VIP}`)
  const counts = await site.request(30)
  t.deepEqual([...counts.keys()].sort(), ['web-1', 'web-2'])
  const packets = await capture.stop()
  t.true(packets.some(packet => packet.ip?.dst === VIP && packet.flags === 'S'))
  t.true(packets.some(packet => packet.ip?.src === VIP && packet.ports?.src === 80 && packet.flags === 'SA'))
})

test.serial('the fabric has every MAC on its right port in that VLAN too', async t => {
  const { lab } = site
  const where = new Map([
    ...lab.plan.clients.map(client => [client.mac, client.name] as const),
    ...lab.plan.hosts.map(host => [host.mac, host.name] as const),
    ...lab.vms.map(vm => [vm.plan.mac, vm.plan.host] as const),
  ])
  const table = (await lab.fabric.macTable()).filter(entry => entry.vlan === 10)
  t.true(table.length >= 4)
  for (const { mac, port } of table) t.is(port, where.get(mac) ?? 'nobody', mac)
})
