import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type CheckOptions, checkFiles } from '../../../cli/check/check.ts'
import type { Status, Status__Output } from '../../../shared/rpc/gen/crossport/v1/Status.ts'
import { tempDir } from '../cleanup.ts'
import { crossport, daemon } from './crossport.ts'

const VIP = '10.10.1.100'

/** A service file; JSON is YAML. */
const doc = (service: string, changes: Record<string, unknown> = {}) =>
  `${JSON.stringify({ service, vip: VIP, port: 80, realServers: [{ vm: 'web-*', port: 8080 }], ...changes })}\n`

/** A directory with these files, and a directory of new files. */
function place(t: ExecutionContext, files: Record<string, string> = {}) {
  const root = tempDir(t)
  const dir = join(root, 'services.d')
  mkdirSync(dir)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const file = (name: string, text: string) => {
    writeFileSync(join(root, name), text)
    return join(root, name)
  }
  /** Runs the command in this process, with daemons that return this. */
  const check = async (paths: readonly string[], daemons: readonly Status[] = [], more: CheckOptions = {}) => {
    const said = { stdout: '', stderr: '' }
    const io = { out: (text: string) => void (said.stdout += text), err: (text: string) => void (said.stderr += text) }
    const statuses = daemons as readonly Status__Output[]
    const exitCode = await checkFiles(paths, { dir, ...more }, io, async () => statuses)
    return { exitCode, ...said }
  }
  /** The result with `--json` for the only directory. */
  const report = async (...args: Parameters<typeof check>) =>
    JSON.parse((await check(args[0], args[1], { json: true })).stdout)
  return { root, dir, file, check, report }
}

const realServer = (vm: string, rsPort = 8080) => ({ id: `web/u-${vm}/${rsPort}`, vm, host: 'rs1', rsPort, weight: 1 })

function agentStatus(dir: string, more: Partial<Status> = {}): Status {
  return {
    role: 'agent',
    id: 'rs1',
    servicesDir: dir,
    vms: [
      { name: 'web-1', uuid: '6f0a2e9c-7d35-4f5e-9a43-0d9c3c1b2a11', state: 'running' },
      { name: 'web-2', uuid: '6f0a2e9c-7d35-4f5e-9a43-0d9c3c1b2a12', state: 'shutoff' },
      { name: 'db-1', uuid: '6f0a2e9c-7d35-4f5e-9a43-0d9c3c1b2a13', state: 'running' },
    ],
    services: [
      {
        service: 'web',
        vip: VIP,
        protocol: 'tcp',
        port: 80,
        scheduler: 'wlc',
        source: `${dir}/web.yaml:1`,
        realServers: [realServer('web-1'), realServer('web-2')],
      },
    ],
    ...more,
  }
}

test('files and directories by themselves; nothing of them is there yet', async t => {
  const { root, dir, file, check } = place(t)
  mkdirSync(join(root, 'd'))
  writeFileSync(join(root, 'd/web.yaml'), doc('web'))
  writeFileSync(join(root, 'd/ignored.txt'), 'x')
  const good = await check([join(root, 'd')])
  t.is(good.exitCode, 0)
  t.regex(
    good.stdout,
    /^1 file in order, 1 service\n\nweb: added \(.*web\.yaml:1\)\n {2}connections: there are none yet\n/,
  )
  t.regex(good.stdout, /no daemon was asked: which VMs match is not known\n$/)
  const bad = await check([join(root, 'd'), file('zeta.conf', doc('api'))])
  t.is(bad.exitCode, 1)
  t.regex(
    bad.stderr,
    /^.*zeta\.conf:1:1: 10\.10\.1\.100 tcp port 80 already belongs to service 'web' in .*web\.yaml:1\n1 of 2/,
  )
  t.regex(bad.stderr, /zeta\.conf: would not be read under this name/)
  t.is((await check([join(root, 'none.yaml')])).exitCode, 1)
  t.is((await crossport('check', '--dir', join(dir, 'none'), join(root, 'd'))).exitCode, 0)
})

test('a file that is there already: what changes, field by field, in the words of the file', async t => {
  const { file, check, report } = place(t, {
    'web.yaml': doc('web', { scheduler: 'rr', check: { type: 'http' } }),
    'dns.yaml': doc('dns', { port: 53, protocol: 'udp' }),
  })
  const realServers = [{ vm: 'web-*', port: 9000, weight: 3 }, { vm: 'db-1', port: 9000 }] // biome-ignore format: short
  const next = doc('web', { realServers, persistence: {}, check: { type: 'http', interval: '4s', status: [200] } })
  const web = file('web.yaml', next)
  const { services, untouched, problems } = await report([web])
  t.deepEqual(problems, [])
  t.is(untouched, 1)
  t.is(services.length, 1)
  t.deepEqual(services[0].fields, [
    { field: 'scheduler', from: 'rr', to: 'wlc' },
    { field: 'check.interval', from: '2 s', to: '4 s' },
    { field: 'check.retryInterval', from: '500 ms', to: '1 s' },
    { field: 'check.status', from: '200-399', to: '200' },
    { field: 'persistence', to: 'timeout 300, mask 255.255.255.255' },
    { field: 'realServers[web-*].port', from: '8080', to: '9000' },
    { field: 'realServers[web-*].weight', from: '1', to: '3' },
    { field: 'realServers[db-1]', to: 'port 9000, weight 1' },
  ])
  const { stdout, exitCode } = await check([web])
  t.is(exitCode, 0)
  t.regex(stdout, /\n {2}realServers\[web-\*\]\.port: 8080 → 9000\n/)
  t.regex(stdout, /\n1 other service in .*: not touched\n/)
})

test('the file as it is there, and defaults written out, change nothing', async t => {
  const { dir, file, check } = place(t, { 'web.yaml': doc('web') })
  t.regex((await check([dir])).stdout, /\nnothing would change in /)
  const explicit = doc('web', { scheduler: 'wlc', protocol: 'tcp', clients: ['0.0.0.0/0'], arp: 'answer' })
  t.regex((await check([file('web.yaml', explicit)])).stdout, /\nnothing would change in /)
})

test('a service that is no longer in its file, and one that is renamed', async t => {
  const { file, report } = place(t, { 'all.yaml': `${doc('web')}---\n${doc('dns', { port: 53, protocol: 'udp' })}` })
  const gone = await report([file('all.yaml', doc('web'))])
  t.like(gone.services, [{ service: 'dns', change: 'removed', connections: { affected: true } }])
  const renamed = await report([file('all.yaml', `${doc('shop')}---\n${doc('dns', { port: 53, protocol: 'udp' })}`)])
  t.like(renamed.services, [
    { service: 'shop', change: 'added' },
    { service: 'web', change: 'removed', renamedTo: 'shop', connections: { affected: true } },
  ])
})

/** What is reported about connections when `web` becomes this. */
const effects: readonly (readonly [string, Record<string, unknown>, boolean, RegExp])[] = [
  ['another algorithm', { scheduler: 'sh' }, false, /stay where they are/],
  ['another weight', { realServers: [{ vm: 'web-*', port: 8080, weight: 7 }] }, false, /stay where they are/],
  ['a check', { check: { type: 'tcp' } }, false, /stay where they are, as long as the check succeeds/],
  ['more VMs', { realServers: [{ vm: '*', port: 8080 }] }, false, /stay where they are/],
  ['weight 0', { realServers: [{ vm: 'web-*', port: 8080, weight: 0 }] }, true, /web-\* port 8080 go on$/],
  [
    'fewer VMs',
    { realServers: [{ vm: 'web-1', port: 8080 }] },
    true,
    /VMs of web-\* .* that no entry names any more end/,
  ],
  ['no such VMs', { realServers: [{ vm: 'db-*', port: 8080 }] }, true, /those to web-\* port 8080 end/],
  ['likewise, drained', { realServers: [{ vm: 'db-*', port: 8080 }], drainTimeout: 60 }, true, /go on for 60 s/],
  ['another port of the VIP', { port: 81 }, true, /nobody answers at tcp 10\.10\.1\.100:80 any more/],
  ['clients', { clients: ['10.10.1.0/24'] }, true, /those of clients in 0\.0\.0\.0\/0 that are in no other block end/],
]
for (const [what, changes, affected, text] of effects) {
  test(`established connections: ${what}`, async t => {
    const { file, report } = place(t, { 'web.yaml': doc('web') })
    const [{ connections }] = (await report([file('web.yaml', doc('web', changes))])).services
    t.is(connections.affected, affected)
    t.regex(connections.text, text)
  })
}

test('a running agent: the VMs that match, and the VIPs that come and go', async t => {
  const { dir, file, check, report } = place(t, { 'web.yaml': doc('web') })
  const status = agentStatus(dir)
  const next = doc('web', { realServers: [{ vm: 'web-2', port: 8080 }, { vm: 'db-?', port: 5432 }] }) // biome-ignore format: short
  const other = doc('own', {
    vip: '10.10.1.101',
    realServers: [{ vm: '6F0A2E9C-7D35-4F5E-9A43-0D9C3C1B2A11', port: 1 }],
  })
  const args = [[file('web.yaml', next), file('own.yaml', other)], [status]] as const
  const { daemons } = await report(...args)
  t.deepEqual(daemons, [
    {
      daemon: 'agent rs1',
      complete: true,
      matches: [
        { service: 'own', vm: '6F0A2E9C-7D35-4F5E-9A43-0D9C3C1B2A11', port: 1, found: ['web-1'] },
        { service: 'web', vm: 'web-2', port: 8080, found: ['web-2 (not running)'] },
        { service: 'web', vm: 'db-?', port: 5432, found: ['db-1'] },
      ],
      leaving: [{ service: 'web', vm: 'web-1', port: 8080 }],
      vips: [
        { vip: '10.10.1.101', action: 'set', vm: 'web-1', running: true },
        { vip: VIP, action: 'set', vm: 'db-1', running: true },
        { vip: VIP, action: 'take out', vm: 'web-1', running: true },
      ],
    },
  ])
  const { stdout } = await check(...args)
  t.regex(stdout, /\n {2}connections: those to web-1 port 8080 end /)
  t.regex(stdout, /\n {2}agent rs1: db-\? port 5432 matches db-1\n/)
  t.regex(stdout, /\nagent rs1: VIP 10\.10\.1\.100 would be taken out of web-1\n/)
  t.false(stdout.includes('no daemon was asked'))
})

test('a VIP stays in a VM that another service of this VIP has', async t => {
  const second = doc('second', { port: 81, realServers: [{ vm: 'web-1', port: 8081 }] })
  const { dir, file, report } = place(t, { 'web.yaml': doc('web'), 'second.yaml': second })
  const base = agentStatus(dir)
  const [web] = base.services ?? []
  const source = `${dir}/second.yaml:1`
  const services = [web!, { ...web, service: 'second', port: 81, source, realServers: [realServer('web-1', 8081)] }]
  const status = { ...base, services }
  const next = doc('web', { realServers: [{ vm: 'nobody', port: 8080 }] })
  const { daemons } = await report([file('web.yaml', next)], [status])
  t.deepEqual(daemons[0].vips, [{ vip: VIP, action: 'take out', vm: 'web-2', running: false }])
})

test('the last good version, which no file has any more, still counts', async t => {
  const { dir, file, check, report } = place(t, { 'web.yaml': 'broken' })
  const status = agentStatus(dir)
  const mended = await report([file('web.yaml', doc('web', { port: 81 }))], [status])
  t.deepEqual(mended.services[0].fields, [{ field: 'port', from: '80', to: '81' }])
  const { exitCode, stderr } = await check([file('new.yaml', doc('new'))], [status])
  t.is(exitCode, 1)
  t.regex(stderr, /^.*new\.yaml:1:1: .* already belongs to service 'web' in .*services\.d\/web\.yaml:1\n/)
  t.regex(stderr, /\nwrong in .*services\.d already: .*services\.d\/web\.yaml:1:1: /)
})

test('of two files in conflict, the one that the daemon says is in force stays', async t => {
  const { dir, file, check } = place(t, { 'a.yaml': doc('a'), 'web.yaml': doc('web') })
  const status = agentStatus(dir)
  const { stderr, exitCode } = await check([file('new.yaml', doc('new'))], [status])
  t.is(exitCode, 1)
  t.regex(stderr, /new\.yaml:1:1: .* already belongs to service 'web'/)
})

test("a host's file against what its director has sent", async t => {
  const { dir, file, check } = place(t)
  const [web] = agentStatus(dir).services ?? []
  const status = agentStatus(dir, { services: [{ ...web, source: 'director: /etc/d/web.yaml:4' }] })
  const over = await check([file('mine.yaml', doc('web', { realServers: [{ vm: 'web-1', port: 1 }] }))], [status])
  t.is(over.exitCode, 0)
  t.regex(over.stderr, /agent rs1: this file would take the place of the director's 'web' on this host\n/)
  t.regex(over.stdout, /\nagent rs1: VIP 10\.10\.1\.100 would be taken out of web-2 \(when it runs\)\n/)
  const refused = await check([file('mine.yaml', doc('mine'))], [status])
  t.is(refused.exitCode, 1)
  t.regex(
    refused.stderr,
    /mine\.yaml:1:1: .* already belongs to service 'web' in \/etc\/d\/web\.yaml:4 \(from the director\)/,
  )
  t.notRegex(refused.stdout, /VIP/)
})

test('a director knows the VMs that serve', async t => {
  const { dir, file, check } = place(t, { 'web.yaml': doc('web') })
  const status = { ...agentStatus(dir), role: 'director', id: 'd1', vms: [] }
  const { stdout } = await check(
    [file('api.yaml', doc('api', { port: 82, realServers: [{ vm: '*', port: 1 }] }))],
    [status],
  )
  t.regex(
    stdout,
    /director d1: \* port 1 matches web-1, web-2 of the VMs that serve already \(hosts know the others\)\n/,
  )
})

test('daemons are asked on their sockets; one that does not answer is told, and files are compared', async t => {
  const { root, dir, file } = place(t, { 'web.yaml': doc('web') })
  const said = { stdout: '', stderr: '' }
  const io = { out: (text: string) => void (said.stdout += text), err: (text: string) => void (said.stderr += text) }
  const socket = [await daemon(t, agentStatus(dir)), join(root, 'none.sock')]
  t.is(await checkFiles([file('web.yaml', doc('web', { port: 81 }))], { socket }, io), 0)
  t.regex(said.stderr, /^no daemon answers on .*none\.sock.*; only files are compared\n/)
  // The directory is the one that the daemon reads.
  t.regex(said.stdout, /port: 80 → 81/)
  t.regex(said.stdout, /agent rs1: web-\* port 8080 matches web-1, web-2 \(not running\)/)
})

test('the real servers of a sorry service get the VIP, too; one that is nowhere is told', async t => {
  const { dir, file, report } = place(t)
  const path = file('web.yaml', doc('web', { sorryService: 'down' }))
  const status = agentStatus(dir, { services: [] })
  t.regex((await report([path], [status])).notes.join(), /web\.yaml:1: sorryService: there is no service 'down'/)
  writeFileSync(join(dir, 'down.yaml'), doc('down', { vip: '10.10.1.200', realServers: [{ vm: 'db-1', port: 8080 }] }))
  const { notes, daemons } = await report([path], [status])
  t.deepEqual(notes, [])
  t.true(daemons[0].vips.some((one: { vip: string; vm: string }) => one.vip === VIP && one.vm === 'db-1'))
})
