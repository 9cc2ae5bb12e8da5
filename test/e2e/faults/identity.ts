import test, { type ExecutionContext } from 'ava'
import type { Status__Output } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { faults } from './one-host.ts'

// Hardware addresses that change under the daemons: each tells the others, and requests find their way.
const { agent, sh, calmAgain } = faults

const setMac = (mac: string) => `ovs-vsctl set bridge br0 other-config:hwaddr='"${mac}"'`
const macOf = async (run: (script: string) => Promise<{ readonly stdout: string }>) =>
  (await run('ovs-vsctl get interface br0 mac_in_use')).stdout.replaceAll('"', '').trim()

async function served(t: ExecutionContext): Promise<void> {
  t.deepEqual([...(await faults.site.request(20))], [['web-1', 20]])
}

test.serial('the host’s bridge gets another hardware address: requests are sent to it at once', async t => {
  const before = await macOf(sh)
  for (const mac of ['02:00:00:00:0a:20', before]) {
    await sh(setMac(mac))
    const at = ({ hosts }: Status__Output) => hosts.some(({ hostMac }) => hostMac === mac)
    await faults.site.director.until(`the host at ${mac}`, at)
    await served(t)
  }
  await calmAgain()
})

test.serial('the director’s bridge gets another hardware address: host and clients hear of it at once', async t => {
  const run = (script: string) => faults.lab.director.exec(['sh', '-c', script])
  const before = await macOf(run)
  for (const mac of ['02:00:00:00:0a:01', before]) {
    await run(setMac(mac))
    const at = ({ inputs }: Status__Output) =>
      inputs.some(({ name, detail }) => name === 'director' && detail.endsWith(`MAC ${mac}`))
    await agent().until(`the director at ${mac}`, at)
    await served(t)
  }
  await calmAgain()
})
