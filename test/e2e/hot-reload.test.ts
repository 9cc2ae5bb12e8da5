import test, { type ExecutionContext } from 'ava'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { createSite, crossport, SERVICES, type Site, service, total, VIP } from './fixture.ts'

// Service files are edited in every way while clients are served. An edit must not touch other services: their flows go on
// counting, and no request is lost.
let site: Site

const OTHER_VIP = '10.10.1.101'
const HOSTS = ['director', 'rs1'] as const
const other = (changes: Record<string, unknown> = {}) =>
  service({ service: 'other', vip: OTHER_VIP, realServers: [{ vm: 'web-2', port: 8081 }], ...changes })

test.before(async () => {
  site = await createSite({ hosts: 1, vms: 2 })
  await site.drop('web.yaml', service())
  await site.ready('web', 2)
})

test.after.always(() => site?.down())

/** Makes `edits` under load: no request is lost, and the flows that were there before are still the same. */
async function untouchedBy(t: ExecutionContext, edits: () => Promise<unknown>): Promise<void> {
  const load = await site.load()
  const before = await placed()
  await edits()
  const after = new Map((await placed()).map(flow => [flow.text, flow]))
  const counts = await load.stop()
  t.is(counts.get('failed'), undefined)
  t.true(total(counts) > 0)
  const rewritten = before.filter(was => {
    const is = after.get(was.text)
    // The age that a flow must have had then: the time between the two readings has passed since.
    return is === undefined || is.duration - was.duration < (is.from - was.to) / 1000 || is.packets < was.packets
  })
  t.deepEqual(
    rewritten.map(flow => flow.text),
    [],
  )
  const packets = (flows: Iterable<Placed>) => [...flows].reduce((sum, flow) => sum + flow.packets, 0)
  t.true(packets(after.values()) > packets(before))
}

interface Placed {
  /** Host, match and actions. */
  readonly text: string
  readonly duration: number
  readonly packets: number
  /** When the switch was asked, milliseconds. */
  readonly from: number
  readonly to: number
}

/** Every flow of ours, except those that the director rewrites to update counters. */
async function placed(): Promise<readonly Placed[]> {
  const lists = await Promise.all(
    HOSTS.map(async host => {
      const from = performance.now()
      const { stdout } = await site.lab.host(host).exec(['ovs-ofctl', '-O', 'OpenFlow15', 'dump-flows', 'br0'])
      const to = performance.now()
      return stdout.split('\n').flatMap((line): Placed[] => {
        const [, cookie, duration, table, packets, rest] =
          /cookie=(0xc705\w+), duration=([\d.]+)s, table=(\d+), n_packets=(\d+), n_bytes=\d+, (?:idle_age=\d+, )?(.*)/.exec(
            line,
          ) ?? []
        if (cookie === undefined || cookie === '0xc705200000000000') return []
        const text = `${host} ${cookie} table=${table},${rest}`
        return [{ text, duration: Number(duration), packets: Number(packets), from, to }]
      })
    }),
  )
  return lists.flat()
}

/** Runs a shell command on the director, in the directory of the service files. */
const edit = (script: string) => site.lab.director.exec(['sh', '-ec', `cd ${SERVICES}; ${script}`])

/** Flows of its VIP too, which the guest gives back later; until then the host shields it. */
const gone = async (name: string) => {
  await site.director.until(`${name} gone`, s => !s.services.some(one => one.service === name))
  while ((await placed()).some(({ text }) => text.includes(OTHER_VIP)));
}
const inOrder = () => site.director.until('no problem', s => s.problems.length === 0)
const webFrom = (name: string) =>
  site.director.until(`web from ${name}`, s => s.services.some(one => one.source === `${SERVICES}/${name}:1`))

test.serial('another service comes, is changed, broken, mended, and goes', async t => {
  await untouchedBy(t, async () => {
    await site.drop('other.yaml', other())
    await site.ready('other', 1)
    await site.drop('other.yaml', other({ realServers: [{ vm: 'web-2', port: 8080, weight: 5 }] }))
    await site.director.until('weight 5', s => s.services.some(one => one.realServers.some(rs => rs.weight === 5)))
    await site.drop('other.yaml', other({ port: 0 }))
    await site.director.until('the problem', s => s.problems.some(one => one.subject.includes('other.yaml:1:')))
    await site.drop('other.yaml', other({ port: 82, scheduler: 'sh' }))
    await site.ready('other', 1)
    await inOrder()
    await site.remove('other.yaml')
    await gone('other')
  })
})

test.serial('its own file: the same again, with comments, as editors save it, and in another file', async t => {
  await untouchedBy(t, async () => {
    await edit(
      'touch web.yaml; cp web.yaml .web.yaml.swp; cp web.yaml web.yaml~; mv web.yaml~ web.yaml; rm .web.yaml.swp',
    )
    await edit(`(cat web.yaml; echo '# a comment') > web.tmp; mv web.tmp web.yaml`)
    await edit('cp web.yaml moved.yaml')
    const status = await site.director.until('both files named', s => s.problems.length > 0)
    const [problem] = status.problems
    t.true(problem?.subject.startsWith(`${SERVICES}/moved.yaml:1`), problem?.subject)
    t.true(problem?.message.includes(`${SERVICES}/web.yaml:1`), problem?.message)
    await edit('rm web.yaml')
    await webFrom('moved.yaml')
    await inOrder()
    await edit('mv moved.yaml web.yaml')
    await webFrom('web.yaml')
  })
})

test.serial('links into ..data, which is swapped; and a directory that is replaced', async t => {
  await untouchedBy(t, async () => {
    await edit(`mkdir ..v1 ..v2; cp web.yaml ..v1; cp web.yaml ..v2; ln -s ..v1 ..data`)
    await site.lab.director.writeFile(`${SERVICES}/..v2/other.yaml`, other())
    await edit(`ln -s ..data/web.yaml link; mv link web.yaml; ln -s ..data/other.yaml other.yaml`)
    await edit(`ln -s ..v2 ..data_tmp; mv -T ..data_tmp ..data; rm -r ..v1`)
    await site.ready('other', 1)
    // Now as plain files again, in a directory that replaces this one between two system calls.
    await edit(`mkdir ../next; cp web.yaml ../next/web.yaml`)
    const swap = `const fs = require('fs'); fs.renameSync('services.d', 'old'); fs.renameSync('next', 'services.d')`
    await site.lab.director.exec(['sh', '-ec', `cd /etc/crossport; exec "$0" -e "$1"`, process.execPath, swap])
    await gone('other')
    await site.drop('other.yaml', other())
    await site.ready('other', 1)
    await site.remove('other.yaml')
    await gone('other')
  })
})

/** Runs `crossport check` of a file with this text, on a daemon's machine. */
async function check(role: 'director' | 'agent', text: string, ...more: string[]) {
  const place = site.lab.host(role === 'director' ? 'director' : 'rs1')
  await place.writeFile('/run/web.yaml', text)
  return place.exec(crossport(role, 'check', '/run/web.yaml', ...more), { check: false })
}

test.serial('`crossport check` says what a file would do, and it is what the file does', async t => {
  const next = service({ realServers: [{ vm: 'web-[2]', port: 8081, weight: 3 }] })
  const plan = await check('director', next)
  t.is(plan.exitCode, 0, plan.stderr)
  for (const line of [
    'web: changed (/run/web.yaml:1)',
    '  realServers[web-[2]]: added, port 8081, weight 3',
    '  realServers[web-*]: removed, port 8080, weight 1',
    `director director: VIP ${VIP} would be taken out of web-1`,
  ])
    t.true(plan.stdout.split('\n').includes(line), plan.stdout)
  t.regex(plan.stdout, /connections: those to web-1 port 8080, web-2 port 8080 end/)

  // On the host, its own file replaces the director's.
  const here = JSON.parse((await check('agent', next, '--json')).stdout)
  t.regex(here.notes.join(), /take the place of the director's 'web' on this host/)
  t.deepEqual(here.daemons[0].matches, [{ service: 'web', vm: 'web-[2]', port: 8081, found: ['web-2'] }])
  t.deepEqual(here.daemons[0].vips, [{ vip: VIP, action: 'take out', vm: 'web-1', running: true }])

  const bad = await check('director', service({ service: 'twin' }).replace('"vip"', '"vipp"'))
  t.is(bad.exitCode, 1)
  t.regex(bad.stderr, /^\/run\/web\.yaml:1:\d+: unknown key 'vipp' \(did you mean 'vip'\?\)/m)

  await site.drop('web.yaml', next)
  await site.ready('web', 1)
  const without = `until ! ip -o -4 address show dev eth0 | grep -q '${VIP}/32'; do usleep 50000; done`
  t.is((await site.lab.vm('web-1').exec(without, 20_000)).exitCode, 0)
  t.is((await site.request(10)).get('web-2'), 10)
})

test.serial('a sorry service takes over at this VIP while nobody else can, and gives back', async t => {
  const web = (weight: number) =>
    service({ realServers: [{ vm: 'web-1', port: 8080, weight }], sorryService: 'other', vip: '10.10.1.103' })
  await site.drop('other.yaml', other())
  await site.drop('web.yaml', web(1))
  await site.ready('web', 2)
  const url = 'http://10.10.1.103/'
  t.deepEqual([...(await site.request(5, url)).keys()], ['web-1'])
  await site.drop('web.yaml', web(0))
  await site.director.until('web-1 drains', status => weightOf(status, 'web-1') === 0)
  t.deepEqual([...(await site.request(5, url)).keys()], ['web-2'])
  await site.drop('web.yaml', web(1))
  await site.director.until('web-1 is back', status => weightOf(status, 'web-1') === 1)
  t.deepEqual([...(await site.request(5, url)).keys()], ['web-1'])
})

function weightOf({ services }: Status__Output, vm: string): number | undefined {
  return services.find(one => one.service === 'web')?.realServers.find(rs => rs.vm === vm)?.weight
}
