import test, { type ExecutionContext } from 'ava'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { daemonCommand } from '../lab/identity.ts'
import type { LabProcess } from '../lab/place.ts'
import { reported } from '../unit/registry/fixture.ts'
import { createSite, crossport, type Site, service, VIP } from './fixture.ts'

// Who may do what: a stranger registers at the director from another machine of the fabric, and the director tells agents of
// services that their hosts do not allow. web-1 serves on rs1; rs2 has no VM.
const DIRECTOR = '172.24.1.100:7473'
const [H1, D] = ['02:00:00:00:00:20', '02:00:00:00:01:00']
const OWN = { hostId: 'stranger', hostMac: '02:00:00:00:00:66', hostIp: '172.24.1.66', version: '1' }
const GATEWAY = '10.10.1.1'
const AWAY = '10.77.0.1'
let site: Site
let strangers = 0
const joined = new Set<string>()

test.before(async () => {
  site = await createSite({
    hosts: 2,
    vms: [{ name: 'web-1', host: 0 }],
    directorConfig: { hostServices: [{ hosts: 'edge-*', vips: ['10.10.1.200/32'] }] },
  })
  await site.drop('web.yaml', service())
  await site.ready('web', 1)
})

test.after.always(async () => site?.down())

/** Lets a host of this name into the fleet, on rs2's machine. Resolves with where its CA and its certificate are. */
async function admitted(name: string): Promise<readonly [string, string]> {
  const at = `/etc/crossport/${name}`
  const place = site.lab.host('rs2')
  if (!joined.has(name)) {
    const token = await daemonCommand(site.lab.director, 'director', 'token', '--host', name)
    await place.writeFile(`${at}.yaml`, `pki: ${at}\n`)
    await daemonCommand(
      place,
      'agent',
      'join',
      '172.24.1.100',
      token.trim(),
      '--host-id',
      name,
      '--config',
      `${at}.yaml`,
    )
    joined.add(name)
  }
  return [`${at}/ca.crt`, `${at}/agent.pem`]
}

/** A stranger on rs2 that registers so, with these real servers, by the certificate of a host of its own. */
async function stranger(change: Partial<typeof OWN>, ...list: ReturnType<typeof reported>[]): Promise<LabProcess> {
  const program = new URL('programs/stranger.ts', import.meta.url).pathname
  const realServers = list.map(rs => ({ ...rs, state: 'READY' }))
  const message = JSON.stringify({ registration: { ...OWN, ...change, realServers } })
  const name = `stranger-${strangers++}`
  const { hostId = OWN.hostId } = change
  const pair = await admitted(hostId === 'rs1' ? OWN.hostId : hostId)
  return site.lab.host('rs2').spawn([process.execPath, program, DIRECTOR, ...pair, message], { name })
}

const has = (code: string, words: RegExp) => (status: Status__Output) =>
  status.problems.some(problem => problem.code === code && words.test(`${problem.subject}: ${problem.message}`))

async function onlyWeb1(t: ExecutionContext, requests = 12): Promise<void> {
  t.deepEqual([...(await site.request(requests))], [['web-1', requests]])
}

/** The hardware address that answers ARP for it; empty: nobody does. */
async function whoAnswers(address: string): Promise<string> {
  const script = `ip neigh flush to ${address}; ping -c 1 -W 1 ${address} >/dev/null; ip neigh show ${address}`
  const { stdout } = await site.lab.client.exec(['sh', '-c', script])
  return /lladdr (\S+)/.exec(stdout)?.[1] ?? ''
}

const CLAIMS: readonly (readonly [string, Partial<typeof OWN>, string, RegExp])[] = [
  ["another host's MAC", { hostMac: H1 }, 'HOST_ADDRESS_TAKEN', /with the host MAC 02:00:00:00:00:20 of host "rs1"/],
  ["another host's address", { hostIp: '172.24.1.20' }, 'HOST_ADDRESS_TAKEN', /host IP 172\.24\.1\.20 of host "rs1"/],
  ["the director's MAC", { hostMac: D }, 'HOST_ADDRESS_TAKEN', /the director's own hardware address/],
  ['a VIP as its address', { hostIp: VIP }, 'HOST_ADDRESS_TAKEN', /is a VIP of the director's service files/],
  ["another host's name", { hostId: 'rs1' }, 'HOST_NAME_MISMATCH', /certificate of "stranger"/],
]

for (const [what, claim, code, words] of CLAIMS)
  test.serial(`a stranger registers with ${what}: it is refused with words, and nothing changes`, async t => {
    const one = await stranger(claim, reported('web/evil', { service: 'web' }))
    t.regex(await one.waitForLine(/^(refused|accepted)/, 20_000), words)
    const status = await site.director.until(code, has(code, words))
    t.false(status.hosts.some(({ hostId }) => hostId === OWN.hostId))
    await onlyWeb1(t)
  })

test.serial('a stranger brings a service at the gateway’s address: nobody answers for it, and it is named', async t => {
  const one = await stranger({ hostId: 'edge-1' }, reported('gw', { service: 'gw', vip: GATEWAY }))
  await one.waitForLine(/^accepted/, 20_000)
  await site.director.until(
    'refused',
    has('HOST_SERVICE_REFUSED', /edge-1\/gw: .*gw \(tcp 10\.10\.1\.1:80\).*hostServices/),
  )
  t.is(await whoAnswers(GATEWAY), '')
  one.kill()
  await one.exited
})

test.serial('a real server of web at another address is named and gets nothing', async t => {
  const one = await stranger(
    { hostId: 'edge-2', hostMac: '02:00:00:00:00:67', hostIp: '172.24.1.67' },
    reported('evil', { vip: '10.10.1.101' }),
  )
  await one.waitForLine(/^accepted/, 20_000)
  await site.director.until('named', has('REGISTRY_CONFLICT', /edge-2\/evil: .*web as tcp 10\.10\.1\.101:80/))
  t.is(await whoAnswers('10.10.1.101'), '')
  await onlyWeb1(t)
  one.kill()
  await one.exited
})

test.serial('a service that its host may bring is answered for as long as its lease runs, and no longer', async t => {
  await site.director.kill('SIGTERM')
  await site.director.start({ leaseMs: 2000 })
  const mac = { hostMac: '02:00:00:00:00:68', hostIp: '172.24.1.68' }
  const one = await stranger({ hostId: 'edge-3', ...mac }, reported('own', { service: 'own', vip: '10.10.1.200' }))
  await site.ready('own', 1)
  t.is(await whoAnswers('10.10.1.200'), D)
  one.kill()
  await site.director.until('gone', ({ services }) => !services.some(({ service }) => service === 'own'))
  t.is(await whoAnswers('10.10.1.200'), '')
  await site.director.kill('SIGTERM')
  await site.director.start()
  await site.ready('web', 1)
})

const DOCUMENTS: readonly (readonly [string, Record<string, unknown>, string, RegExp])[] = [
  [
    'a VIP outside of the VMs’ networks',
    { vip: AWAY },
    'VIP_NOT_ALLOWED',
    /VIP 10\.77\.0\.1 is in no network.*allowedVips/,
  ],
  [
    'a check that runs a command in guests',
    { vip: '10.10.1.103', check: { type: 'exec', command: ['true'] } },
    'GUEST_EXEC_NOT_ALLOWED',
    /guestExec: true in agent\.yaml/,
  ],
]

for (const [n, [what, change, code, words]] of DOCUMENTS.entries())
  test.serial(`the director tells of ${what}: the host refuses it, both say so, and nothing comes of it`, async t => {
    const file = `refused-${n}.yaml`
    await site.drop(file, service({ service: `refused-${n}`, realServers: [{ vm: 'web-1', port: 8081 }], ...change }))
    await site.agent('rs1').until(code, has(code, words))
    await site.director.until('told', has('DOCUMENT_REFUSED', words))
    const addresses = await site.lab.vm('web-1').exec('ip address')
    t.false(addresses.output.includes(String(change.vip)))
    const { stdout, exitCode } = await site.lab.director.exec(crossport('director', 'status'), { check: false })
    t.regex(stdout, new RegExp(`refused-${n} on host rs1`))
    t.not(exitCode, 0)
    await onlyWeb1(t)
    await site.remove(file)
    await site.agent('rs1').until('nothing is refused', ({ problems }) => problems.length === 0)
    await site.director.until(
      'nothing is refused',
      ({ problems }) => !problems.some(({ code }) => code === 'DOCUMENT_REFUSED'),
    )
  })

test.serial('a version that is refused leaves the one before in force, also over a restart of the agent', async t => {
  await site.drop('web.yaml', service({ vip: AWAY }))
  await site.agent('rs1').until('refused', has('VIP_NOT_ALLOWED', /10\.77\.0\.1.*last good version/))
  await site.agent('rs1').kill()
  await site.agent('rs1').start()
  const { services } = await site
    .agent('rs1')
    .until('refused', has('VIP_NOT_ALLOWED', /10\.77\.0\.1.*last good version/))
  t.deepEqual(
    services.map(({ vip, realServers }) => [vip, realServers.map(({ state }) => state)]),
    [[VIP, ['ready']]],
  )
  await site.drop('web.yaml', service())
  await site.ready('web', 1)
  await onlyWeb1(t)
})

test.serial('a VM outside of allowedVms serves nobody, and the others do', async t => {
  await site.agent('rs1').kill()
  await site.agent('rs1').start({ allowedVms: ['db-*'] })
  await site
    .agent('rs1')
    .until('refused', has('VM_NOT_ALLOWED', /service web of the director names VM web-1.*allowedVms/))
  await site.director.until('nobody', ({ services }) => services[0]?.realServers.length === 0)
  await site.lab.vm('web-1').exec(`while ip address | grep -q ${VIP}/; do usleep 50000; done`)
  await site.agent('rs1').kill()
  await site.agent('rs1').start({ allowedVms: ['web-*'], allowedVips: [`${VIP}/32`] })
  await site.ready('web', 1)
  await onlyWeb1(t)
})
