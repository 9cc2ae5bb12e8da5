import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { bundle } from '../../packaging/bundle.ts'
import { NODE } from '../../packaging/components.ts'
import { ROOT } from '../../packaging/root.ts'
import { median } from '../measure.ts'
import type { Suite } from '../types.ts'
import { unitEnvironment, unitFlags } from '../unit-flags.ts'

const ROUNDS = 9
/** Memory is looked at when the start has settled. */
const SETTLED_MS = 1000

const suite: Suite = {
  name: 'package',
  about:
    'the daemons as the Debian packages have them, one file each, against those of a checkout, in turn: start of the process → ' +
    'control socket, and memory one second later; compiled code is kept from an earlier start; neither switch nor libvirt is there',
  run: async (report, cleanup) => {
    const dir = await mkdtemp(join(tmpdir(), 'crossport-bench-package-'))
    cleanup.defer(() => rm(dir, { recursive: true, force: true }))
    await bundle(join(dir, 'bundle'), '0.0.0')
    for (const role of ['agent', 'director'] as const) {
      const programs = { checkout: join(ROOT, role, 'main.ts'), package: join(dir, 'bundle', role, 'main.js') }
      const starts = { checkout: [] as Start[], package: [] as Start[] }
      for (let round = 0; round <= ROUNDS; round++) {
        for (const kind of ['checkout', 'package'] as const) {
          const start = await startOnce(role, programs[kind], join(dir, role, kind))
          // The first start compiles.
          if (round > 0) starts[kind].push(start)
        }
      }
      for (const [figure, unit] of [
        ['ms', 'ms'],
        ['mib', 'MiB'],
      ] as const) {
        const [now, then] = [starts.package, starts.checkout].map(all => median(all.map(each => each[figure]))) as [
          number,
          number,
        ]
        const name = `${role}, ${figure === 'ms' ? 'start' : 'memory (RSS)'}`
        report({ name: `${name}: package`, value: now, unit })
        report({ name: `${name}: checkout`, value: then, unit })
        report({ name: `${name}: package / checkout`, value: now / then, unit: '×', goal: { atMost: 1 } })
      }
    }
  },
}
export default suite

interface Start {
  readonly ms: number
  readonly mib: number
}

/** Starts a daemon in a directory of its own, which keeps its compiled code, and ends it. */
async function startOnce(role: 'agent' | 'director', program: string, dir: string): Promise<Start> {
  await mkdir(join(dir, 'services.d'), { recursive: true })
  const socket = join(dir, `${role}.sock`)
  const paths = { stateFile: join(dir, 'state.db'), controlSocket: socket, servicesDir: join(dir, 'services.d') }
  const away = { ovsdbSocket: join(dir, 'db.sock'), ovsRunDir: dir }
  const own =
    role === 'agent' ? { libvirtSocket: join(dir, 'libvirt-sock') } : { listen: `unix:${join(dir, 'agents.sock')}` }
  const config = join(dir, 'config.yaml')
  await writeFile(config, JSON.stringify({ bridge: 'br0', uplink: 'up0', ...paths, ...away, ...own }))
  const env = { ...process.env, ...unitEnvironment(role, join(dir, 'cache')) }
  const begin = performance.now()
  const child = spawn(NODE, [...unitFlags(role), program, '--config', config], { env, stdio: 'ignore' })
  const ended = once(child, 'exit')
  try {
    while (!existsSync(socket)) {
      if (child.exitCode !== null) throw new Error(`${program} has ended with ${child.exitCode}`)
      await delay(1)
    }
    const ms = performance.now() - begin
    await delay(SETTLED_MS)
    const [, kib] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))!
    return { ms, mib: Number(kib) / 1024 }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}
