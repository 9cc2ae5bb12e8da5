import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { watchServices } from '../../../shared/config/watch.ts'
import { systemClock } from '../../../shared/run/clock.ts'
import { goodFile } from './good-file.ts'
import { doc, start } from './watching.ts'

test('files that are there, that come, that change and that go', async t => {
  const { dir, untilServices, until, write, watch } = start(t, {
    make: path => {
      mkdirSync(path)
      writeFileSync(join(path, 'a.yaml'), doc('a', 80))
    },
  })
  t.false(watch.snapshot().synced)
  await untilServices('a')
  write('b.yml', doc('b', 81))
  await untilServices('a', 'b')
  write('b.yml', doc('b', 82))
  await until(({ specs }) => specs[1]?.port === 82)
  unlinkSync(join(dir, 'a.yaml'))
  await untilServices('b')
  t.pass()
})

test('a bad edit is reported with its place, and the last good version stays', async t => {
  const { dir, untilServices, until, write, logged } = start(t)
  write('a.yaml', doc('a', 80))
  await untilServices('a')
  write('a.yaml', doc('a', 80).replace('80', '99999'))
  const { specs, problems } = await until(snapshot => snapshot.problems.length > 0)
  t.is(specs[0]?.port, 80)
  t.like(problems[0], { file: join(dir, 'a.yaml'), line: 3, column: 7, service: 'a', lastGood: true })
  t.true(logged.some(line => line.includes('a.yaml:3:7: port: must be at most 65535') && line.includes('last good')))
  write('a.yaml', doc('a', 81))
  await until(snapshot => snapshot.problems.length === 0 && snapshot.specs[0]?.port === 81)
})

test('the last good version survives a restart', async t => {
  const first = start(t)
  first.write('a.yaml', doc('a', 80))
  const { files } = await first.untilServices('a')
  await first.watch.close()
  const file = join(first.dir, 'a.yaml')
  first.write('a.yaml', 'broken')
  const again = watchServices({
    dir: first.dir,
    log: { debug() {}, info() {}, notice() {}, warn() {}, error() {}, with: () => t.fail() as never },
    clock: systemClock,
    onChange: () => {},
    lastGood: [...files, goodFile(join(first.dir, 'gone.yaml'), doc('gone', 99))],
  })
  await again.reload()
  const { specs, problems } = again.snapshot()
  await again.close()
  t.deepEqual(
    specs.map(({ service }) => service),
    ['a'],
  )
  t.like(problems[0], { file, lastGood: true })
})

test('editors: temporary files are ignored, a rename over the file is seen', async t => {
  const { dir, watch, untilServices, until, write } = start(t)
  write('a.yaml', doc('a', 80))
  await untilServices('a')
  for (const name of [
    '.a.yaml.swp',
    'a.yaml~',
    '4913',
    'a.yaml.tmp',
    '#a.yaml#',
    '.#a.yaml',
    '.hidden.yaml',
    'a.yaml.bak',
  ]) {
    write(name, doc(`x${name.length}`, 90))
  }
  write('new.tmp', doc('a', 81))
  renameSync(join(dir, 'new.tmp'), join(dir, 'a.yaml'))
  await until(snapshot => snapshot.specs[0]?.port === 81)
  // A reading under way may have listed the directory before the temporary files were made.
  await watch.reload()
  const { specs, problems } = watch.snapshot()
  t.is(specs.length, 1)
  t.deepEqual(problems, [])
})

test('Kubernetes: files are links into ..data, which is swapped', async t => {
  const { dir, untilServices, until } = start(t, {
    make: path => {
      mkdirSync(join(path, '..v1'), { recursive: true })
      writeFileSync(join(path, '..v1/a.yaml'), doc('a', 80))
      symlinkSync('..v1', join(path, '..data'))
      symlinkSync('..data/a.yaml', join(path, 'a.yaml'))
    },
  })
  await untilServices('a')
  for (const version of [2, 3, 4, 5]) {
    mkdirSync(join(dir, `..v${version}`))
    writeFileSync(join(dir, `..v${version}/a.yaml`), doc('a', 80 + version))
    symlinkSync(`..v${version}`, join(dir, '..data_tmp'))
    renameSync(join(dir, '..data_tmp'), join(dir, '..data'))
    rmSync(join(dir, `..v${version - 1}`), { recursive: true })
    await until(({ specs }) => specs[0]?.port === 80 + version)
  }
  t.pass()
})

test('a link to a file elsewhere is followed', async t => {
  const { root, dir, untilServices, until } = start(t)
  const target = join(root, 'elsewhere.yaml')
  writeFileSync(target, doc('a', 80))
  symlinkSync(target, join(dir, 'a.yaml'))
  await untilServices('a')
  // More than once, because a reading under way may see the first change by luck.
  for (const port of [81, 82, 83, 84, 85]) {
    writeFileSync(target, doc('a', port))
    await until(({ specs }) => specs[0]?.port === port)
  }
  t.pass()
})

test('a directory that comes late, is deleted and comes again', async t => {
  const { dir, untilServices } = start(t, { make: () => {} })
  await untilServices()
  mkdirSync(dir)
  writeFileSync(join(dir, 'a.yaml'), doc('a', 80))
  await untilServices('a')
  rmSync(dir, { recursive: true })
  await untilServices()
  mkdirSync(dir)
  writeFileSync(join(dir, 'b.yaml'), doc('b', 80))
  await untilServices('b')
  t.pass()
})

test('a directory that is replaced by another', async t => {
  const { root, dir, untilServices, write } = start(t)
  write('a.yaml', doc('a', 80))
  await untilServices('a')
  mkdirSync(join(root, 'next'))
  writeFileSync(join(root, 'next/b.yaml'), doc('b', 80))
  renameSync(dir, join(root, 'old'))
  renameSync(join(root, 'next'), dir)
  await untilServices('b')
  writeFileSync(join(dir, 'c.yaml'), doc('c', 81))
  await untilServices('b', 'c')
  t.pass()
})

test('reload reads at once, and an unchanged directory is no change', async t => {
  const { watch, untilServices, write, changes } = start(t, { settleMs: 3_600_000 })
  await untilServices()
  write('a.yaml', doc('a', 80))
  await watch.reload()
  t.is(watch.snapshot().specs.length, 1)
  const before = changes()
  const same = watch.snapshot()
  await Promise.all([watch.reload(), watch.reload()])
  t.is(changes(), before)
  t.is(watch.snapshot(), same)
})

test('the timer reads without an event', async t => {
  const timers: (() => void)[] = []
  const { watch, until, write } = start(t, {
    settleMs: 1,
    rereadMs: 60_000,
    clock: {
      ...systemClock,
      after: (ms, fn) => {
        if (ms === 60_000) timers.push(fn)
        return () => {}
      },
    },
  })
  await until(({ synced }) => synced)
  write('a.yaml', doc('a', 80))
  timers.at(-1)?.()
  await until(({ specs }) => specs.length === 1)
  t.is(watch.snapshot().specs.length, 1)
})

test('a directory that cannot be read changes nothing', async t => {
  // Without readings by events, because one could see the moment in which the directory is gone.
  const { dir, watch, write, logged, seen } = start(t, { settleMs: 3_600_000 })
  write('a.yaml', doc('a', 80))
  await watch.reload()
  t.is(watch.snapshot().specs.length, 1)
  rmSync(dir, { recursive: true })
  writeFileSync(dir, 'a file, where the directory was')
  await watch.reload()
  t.is(watch.snapshot().specs.length, 1)
  t.true(logged.some(line => line.includes('cannot be read')))
  t.regex(seen.at(-1)?.unread ?? '', /^it cannot be read: ENOTDIR/)
  rmSync(dir)
  mkdirSync(dir)
  write('a.yaml', doc('a', 80))
  await watch.reload()
  t.is(seen.at(-1)?.unread, undefined)
})

test('a file that cannot be read keeps what it had', async t => {
  const { dir, until, untilServices, write } = start(t)
  write('a.yaml', doc('a', 80))
  await untilServices('a')
  // Not even root can read this: a process's memory at address 0 (proc(5)).
  symlinkSync('/proc/self/mem', join(dir, 'next'))
  renameSync(join(dir, 'next'), join(dir, 'a.yaml'))
  const { specs, problems } = await until(snapshot => snapshot.problems.length > 0)
  t.is(specs.length, 1)
  t.like(problems[0], { lastGood: true })
  t.regex(problems[0]?.reason ?? '', /cannot be read: EIO/)
})
