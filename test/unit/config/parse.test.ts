import test from 'ava'
import { parseServiceFile } from '../../../shared/config/parse.ts'

const GOOD = `# the shop
service: web
vip: 10.10.1.100
port: 80
realServers:
  - vm: web-*
    port: 8080
---
service: dns
vip: 10.10.1.100
port: 53
protocol: udp
scheduler: sh
clients: [10.0.0.1, 10.1.0.0/16]
arp: drop
realServers:
  - {vm: 6F0A2E9C-1111-2222-3333-444455556666, port: 53, weight: 0}
---
`

const place = (text: string) =>
  parseServiceFile(text, 'a.yaml').problems.map(({ line, column, reason }) => `${line}:${column} ${reason}`)

/** A valid document with one line replaced or added. */
const withLine = (line: string) => {
  const lines = ['service: web', 'vip: 10.10.1.100', 'port: 80', 'realServers: [{vm: web, port: 8080}]']
  const key = line.split(':')[0]
  const index = lines.findIndex(each => each.startsWith(`${key}:`))
  if (index < 0) lines.push(line)
  else lines[index] = line
  return lines.join('\n')
}

test('documents of one file, defaults filled in, positions and own texts kept', t => {
  const { specs, problems, documents } = parseServiceFile(GOOD, 'a.yaml')
  t.deepEqual(problems, [])
  t.deepEqual(specs, [
    {
      service: 'web',
      vip: '10.10.1.100',
      port: 80,
      protocol: 'tcp',
      scheduler: 'wlc',
      clients: ['0.0.0.0/0'],
      arp: 'answer',
      realServers: [{ vm: 'web-*', port: 8080, weight: 1 }],
      source: { origin: 'file', file: 'a.yaml', line: 1 },
    },
    {
      service: 'dns',
      vip: '10.10.1.100',
      port: 53,
      protocol: 'udp',
      scheduler: 'sh',
      clients: ['10.0.0.1/32', '10.1.0.0/16'],
      arp: 'drop',
      realServers: [{ vm: '6F0A2E9C-1111-2222-3333-444455556666', port: 53, weight: 0 }],
      source: { origin: 'file', file: 'a.yaml', line: 9 },
    },
  ])
  t.deepEqual(
    documents.map(document => document.line),
    [1, 9],
  )
})

test('a document that was sent on says the same, with the lines of its own file', t => {
  const { specs, documents } = parseServiceFile(GOOD, 'a.yaml')
  for (const [index, { text, file, line }] of documents.entries()) {
    const again = parseServiceFile(text, file, { origin: 'director', line })
    t.deepEqual(again.problems, [])
    t.deepEqual(again.specs, [{ ...specs[index]!, source: { origin: 'director', file, line } }])
  }
  const broken = parseServiceFile('service: x\nvip: 1\n', 'b.yaml', { line: 40 })
  t.deepEqual(
    broken.problems.map(problem => problem.line),
    [40, 40, 41],
  )
})

test('JSON is YAML', t => {
  const { specs, problems } = parseServiceFile(
    '{"service":"a","vip":"10.0.0.1","port":1,"realServers":[{"vm":"x","port":2}]}',
    'a.yml',
  )
  t.deepEqual(problems, [])
  t.is(specs[0]?.realServers[0]?.port, 2)
})

test('empty texts and empty documents are no problem', t => {
  for (const text of ['', '\n', '# nothing\n', '---\n---\n', '\ufeff']) {
    t.deepEqual(parseServiceFile(text, 'a.yaml'), { specs: [], problems: [], documents: [] })
  }
})

for (const [line, expected] of [
  ['vip: 10.10.1', "2:6 vip: '10.10.1' is not an IPv4 address, such as 10.10.1.100"],
  ['vip: 10.10.1.256', "2:6 vip: '10.10.1.256' is not an IPv4 address, such as 10.10.1.100"],
  ['vip: 10.10.01.1', "2:6 vip: '10.10.01.1' is not an IPv4 address, such as 10.10.1.100"],
  ['vip: 127.0.0.1', '2:6 vip: 127.0.0.1 cannot be reached from other machines'],
  ['vip: 224.0.0.18', '2:6 vip: 224.0.0.18 is a multicast, reserved or broadcast address'],
  ['port: 0', '3:7 port: must be at least 1, not 0'],
  ['port: 65536', '3:7 port: must be at most 65535, not 65536'],
  ['port: 80.5', '3:7 port: must be a whole number, not 80.5'],
  ['port: "80"', "3:7 port: must be a number, not '80'; write it without quotes"],
  ['port:', '3:6 port: must be a number, not empty'],
  [
    'service: a b',
    "1:10 service: 'a b' must be 1 to 63 letters, digits, dots, dashes or underscores, the first one a letter or a digit",
  ],
  ['prtocol: udp', "5:1 unknown key 'prtocol' (did you mean 'protocol'?)"],
  ['zzz: 1', "5:1 unknown key 'zzz'"],
  ['protocol: sctp', "5:11 protocol: 'sctp' is not one of tcp, udp"],
  [
    'scheduler: wlcc',
    "5:12 scheduler: 'wlcc' is not one of rr, wrr, lc, wlc, sed, nq, sh, dh, mh (did you mean 'wlc'?)",
  ],
  ['clients: []', '5:10 clients: must have at least one entry'],
  ['clients: 10.0.0.0/8', "5:10 clients: must be a list, not '10.0.0.0/8'"],
  ['clients: [10.0.0.0/33]', "5:11 clients[0]: '10.0.0.0/33' is not a CIDR block, such as 10.10.1.0/24"],
  [
    'clients: [10.0.1.5/24]',
    "5:11 clients[0]: '10.0.1.5/24' has host bits set (did you mean 10.0.1.0/24 or 10.0.1.5/32?)",
  ],
  ['clients: [10.0.0.0/8, 10.0.0.0/8]', '5:23 clients[1]: 10.0.0.0/8 is in the list twice'],
  ['realServers: []', '4:14 realServers: must have at least one entry'],
  ['realServers: [{vm: a}]', "4:15 'realServers[0].port' is missing"],
  ['realServers: [{vm: a, port: 1, wieght: 2}]', "4:32 unknown key 'realServers[0].wieght' (did you mean 'weight'?)"],
  ['realServers: [{vm: a, port: 1, weight: -1}]', '4:40 realServers[0].weight: must be at least 0, not -1'],
  ['realServers: [{vm: a, port: 1, weight: 65536}]', '4:40 realServers[0].weight: must be at most 65535, not 65536'],
  ['realServers: [{vm: "a[", port: 1}]', "4:20 realServers[0].vm: 'a[': '[' and ']' do not match up"],
  [
    'realServers: [{vm: "!a", port: 1}]',
    "4:20 realServers[0].vm: '!a': patterns cannot be negated; name the VMs that serve",
  ],
  ['realServers: [{vm: "", port: 1}]', '4:20 realServers[0].vm: must not be empty'],
  [
    'realServers: [{vm: a, port: 1}, {vm: a, port: 1, weight: 2}]',
    '4:33 realServers[1]: a port 1 is in the list twice; keep one entry with the weight you want',
  ],
] as const) {
  test(`rejected with its place: ${line}`, t => t.deepEqual(place(withLine(line)), [expected]))
}

test('one bad document makes the others known, and names its service', t => {
  const { specs, problems } = parseServiceFile(`${GOOD}service: bad\nvip: x\nport: 1\nrealServers: []\n`, 'a.yaml')
  t.is(specs.length, 2)
  t.deepEqual(
    problems.map(({ service, line }) => [service, line]),
    [
      ['bad', 20],
      ['bad', 22],
    ],
  )
})

test('what is not YAML is rejected with its place', t => {
  t.regex(place('service: [a\nvip: b')[0] ?? '', /^2:\d+ not valid YAML: /)
  t.deepEqual(place('a: 1\na: 2\n'), ['2:1 this key is already there in the same block; keep one of the two'])
  t.regex(place('service:\n\tx: 1\n')[0] ?? '', /^2:1 YAML does not allow a tab for indentation/)
  t.regex(place('foo')[0] ?? '', /^1:1 must be a block of keys, not 'foo'/)
  t.regex(place('- a\n')[0] ?? '', /^1:1 must be a block of keys, not a list/)
})

test('alias bombs and huge files are refused, not expanded', t => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (let i = 1; i < 9; i++)
    bomb.push(`${'abcdefghi'[i]}: &${'abcdefghi'[i]} [${`*${'abcdefghi'[i - 1]},`.repeat(9)}]`)
  t.regex(place(bomb.join('\n'))[0] ?? '', /alias/i)
  t.regex(place(`# ${'x'.repeat(1 << 20)}`)[0] ?? '', /^1:1 larger than/)
})
