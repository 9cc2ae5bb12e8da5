import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { execa } from 'execa'
import { doc, start } from './watching.ts'

/** What else may be called x.yaml, each in its own way. */
const HOSTILE: readonly ((path: string, n: number) => void)[] = [
  path => mkdirSync(path),
  path => symlinkSync(path, path),
  path => symlinkSync('/nowhere/at/all', path),
  path => symlinkSync('/dev/zero', path),
  path => symlinkSync('/dev/full', path),
  path => symlinkSync('/dev/tty', path),
  // Regular files, as stat(2) says: one ends in EIO, one has no end, one waits for what comes.
  path => symlinkSync('/proc/self/mem', path),
  path => symlinkSync('/proc/self/pagemap', path),
  path => symlinkSync('/proc/kmsg', path),
  path => symlinkSync('.', path),
  path => symlinkSync('/', path),
  path => {
    writeFileSync(path, doc('unreadable', 1))
    chmodSync(path, 0)
  },
  path => {
    writeFileSync(path, '')
    truncateSync(path, 1e12)
  },
  path => writeFileSync(path, ''),
  path => writeFileSync(path, '\0'.repeat(5000)),
  path => writeFileSync(path, Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x80, 0x81])),
  path => writeFileSync(path, '['.repeat(20_000)),
  path => writeFileSync(path, `${'- '.repeat(3000)}a\n`),
  path => writeFileSync(path, '&a [*a, *a]'),
  path => writeFileSync(path, '*nobody'),
  path => writeFileSync(path, '---\n'.repeat(6000)),
  (path, n) => writeFileSync(path, doc('same', n)),
  path => writeFileSync(path, '{"service": "\x1b[2J", "vip": "::1"}'),
]

function drop(dir: string, round: number): void {
  for (const [i, make] of HOSTILE.entries()) {
    const path = join(dir, `h${String(i).padStart(2, '0')}-${round}.yaml`)
    try {
      make(path, round + 1)
    } catch (error) {
      // Some file systems refuse a terabyte.
      if ((error as NodeJS.ErrnoException).code !== 'EFBIG') throw error
    }
  }
}

function dropSockets(t: ExecutionContext, dir: string): Promise<void> {
  const server = createServer().listen(join(dir, 'socket.yaml'))
  t.teardown(() => server.close())
  return new Promise(resolve => server.once('listening', () => resolve()))
}

test('more than a thousand hostile files, dropped and taken away while they are read, do not keep a good one from being read', async t => {
  const { dir, write, until, untilServices, watch } = start(t)
  await dropSockets(t, dir)
  for (let round = 0; round < 25; round++) {
    drop(dir, round)
    execFileSync(
      'mkfifo',
      Array.from({ length: 20 }, (_, i) => join(dir, `fifo-${round}-${i}.yaml`)),
    )
    const reading = watch.reload()
    write(`zz-${round}.yaml`, doc(`good-${round}`, 1000 + round))
    if (round > 0) rmSync(join(dir, `h00-${round - 1}.yaml`), { recursive: true })
    if (round % 3 === 0) unlinkSync(join(dir, `fifo-${round}-7.yaml`))
    await reading
  }
  const all = await until(({ specs }) => specs.filter(({ service }) => service.startsWith('good-')).length === 25)
  t.true(all.problems.length > 25 * 10)
  t.true(all.problems.some(({ file, reason }) => file.includes('fifo-') && reason.includes('not a regular file')))
  const endless = all.problems.filter(({ reason }) => reason.includes('larger than'))
  t.true(
    endless.some(({ file }) => file.includes('h07-')),
    'a file without an end',
  )
  for (const name of new Set(all.problems.map(({ file }) => file))) rmSync(name, { force: true, recursive: true })
  rmSync(dir, { recursive: true })
  mkdirSync(dir)
  write('a.yaml', doc('a', 80))
  await untilServices('a')
})

test('5,000 files at once are read, and 5,000 bad ones reported', async t => {
  const { dir, until, write } = start(t)
  for (let n = 0; n < 2500; n++) write(`good-${n}.yaml`, doc(`good-${n}`, 1 + n))
  for (let n = 0; n < 2500; n++) write(`bad-${n}.yaml`, `service: bad-${n}\nvipp: 1\n`)
  const { specs } = await until(
    now => now.specs.length === 2500 && new Set(now.problems.map(p => p.file)).size === 2500,
  )
  t.is(specs.length, 2500)
  rmSync(dir, { recursive: true })
  await until(now => now.specs.length === 0)
})

/** A process with last words that ends as `how` says; what it has said, and how it ended. */
async function ended(how: string) {
  const source = `
    import { createLog } from ${JSON.stringify(new URL('../../../shared/log/create.ts', import.meta.url).pathname)}
    import { lastWords } from ${JSON.stringify(new URL('../../../shared/run/last-words.ts', import.meta.url).pathname)}
    lastWords(createLog({ identifier: 'test', to: 'stderr' }))
    setInterval(() => {}, 1000)
    ${how}`
  const { stderr, exitCode, signal } = await execa(process.execPath, ['--input-type=module', '-e', source], {
    reject: false,
  })
  return { stderr, exitCode, signal }
}

for (const [name, how, code, words] of [
  ['an error that nobody catches', 'setTimeout(() => { throw new Error("oops") })', 1, /nobody catches.*oops/s],
  ['a rejection that nobody handles', 'void Promise.reject(new Error("oops"))', 1, /nobody handles.*oops/s],
  ['an exit in silence', 'process.exit(7)', 7, /exit code 7 code=DAEMON_CRASHED/],
  ['a signal', 'process.kill(process.pid, "SIGQUIT")', 'SIGQUIT', /SIGQUIT code=DAEMON_SIGNALLED/],
] as const)
  test(`whatever ends a daemon says why: ${name}`, async t => {
    const { stderr, exitCode, signal } = await ended(how)
    t.is(signal ?? exitCode, code)
    t.regex(stderr, words)
  })

test('memory that runs out is told before it is used up', async t => {
  const { stderr } = await execa(
    process.execPath,
    [
      // As the units have it: the heap's limit is not much more than that of its old part.
      '--max-semi-space-size=1',
      '--max-old-space-size=200',
      '--input-type=module',
      '-e',
      `import { createLog } from ${JSON.stringify(new URL('../../../shared/log/create.ts', import.meta.url).pathname)}
       import { lastWords } from ${JSON.stringify(new URL('../../../shared/run/last-words.ts', import.meta.url).pathname)}
       import { getHeapStatistics } from 'node:v8'
       lastWords(createLog({ identifier: 'test', to: 'stderr' }))
       const kept = []
       const { heap_size_limit: limit } = getHeapStatistics()
       while (getHeapStatistics().used_heap_size < limit * 0.91) kept.push(new Array(100_000).fill(0))
       setTimeout(() => process.exit(kept.length > 0 ? 0 : 1), 2500)`,
    ],
    { reject: false },
  )
  t.regex(stderr, /MEMORY_LOW/)
})
