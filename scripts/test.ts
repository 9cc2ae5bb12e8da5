import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { makeAvaCounter } from './ava-report.ts'

// The gate: lint, types, unit tests, end-to-end tests, faults and what can be tested beside them. Arguments: the names of those to run; none means all.
// The last line is `N passed, N failed`; a check that fails counts as one.

const root = path.join(import.meta.dirname, '..')
process.chdir(root)
const bin = (name: string) => path.join(root, 'node_modules/.bin', name)
const say = (text: string) => process.stdout.write(`${text}\n`)

async function check(argv: readonly string[]): Promise<Counts> {
  const child = spawn(bin(argv[0]!), argv.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] })
  const code = await new Promise<number>(resolve => child.once('close', code => resolve(code ?? 1)))
  return { passed: 0, failed: code === 0 ? 0 : 1 }
}

/** `machine`: the words before the command line, for a run on another machine. */
async function ava(
  globs: readonly string[],
  options: readonly string[],
  machine: readonly string[] = [],
): Promise<Counts> {
  const [file, ...args] = [...machine, bin('ava'), ...options, ...globs]
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const counter = makeAvaCounter()
  const closed = new Promise<number>(resolve => child.once('close', code => resolve(code ?? 1)))
  for await (const line of createInterface({ input: child.stdout })) {
    counter.line(line)
    say(line)
  }
  const code = await closed
  const { passed, failed } = counter.counts()
  if (passed + failed === 0) say('no test has run')
  return { passed, failed: code !== 0 && failed === 0 ? 1 : failed }
}

function sum(all: readonly Counts[]): Counts {
  return all.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }))
}

interface Counts {
  readonly passed: number
  readonly failed: number
}

/** The attackers of SECURITY.md, with their outcome in a line. */
const ATTACKS = ['attacks', 'attacks-overlay', 'authority', 'join'].map(name => `test/e2e/${name}.test.ts`)
/** These load the machine, and count what is served meanwhile. */
const FLOODS = 'test/e2e/attacks-floods.test.ts'
const ONE_HOST = 'test/e2e/faults/host.test.ts'
/** These tests neither measure nor load a guest: they mostly wait. */
const QUIET = ['guest', 'lab', 'systemd', 'systemd-daemons'].map(name => `test/e2e/${name}.test.ts`)

/** Runs in a machine whose kernel has Open vSwitch's datapath. Such a machine has one processor, so two of them use two. */
const inMachine = (cpu: number) => {
  return ['scripts/machine', 'run', '-m', '3072', '-c', String(cpu), '--', 'env', 'CROSSPORT_DATAPATH=system']
}

const phases: Readonly<Record<string, () => Promise<Counts>>> = {
  lint: () => check(['biome', 'check', '.']),
  types: () => check(['tsc', '--noEmit']),
  unit: () => ava(['test/unit/**/*.test.ts', 'test/arch/**/*.test.ts'], []),
  e2e: () => {
    const others = [...ATTACKS, FLOODS, ...QUIET].map(file => `!${file}`)
    return ava(['test/e2e/*.test.ts', ...others], ['--concurrency=2'])
  },
  attacks: async () => sum([await ava([FLOODS], ['--serial']), await ava(ATTACKS, ['--concurrency=2'])]),
  // These count the requests that a fault costs, so they have the machine almost for themselves.
  faults: async () => {
    const beside = await Promise.all([ava([ONE_HOST], ['--serial']), ava(QUIET, ['--serial'])])
    return sum([...beside, await ava(['test/e2e/faults/*.test.ts', `!${ONE_HOST}`], ['--serial'])])
  },
  // The same daemons over the kernel's datapath, and the unchanged tests of operators' variants.
  kernel: async () => {
    const machines = [['test/kernel/segment.test.ts', 'test/e2e/variants.test.ts'], ['test/kernel/overlay.test.ts']]
    const options = ['--concurrency=1', '--timeout=10m']
    return sum(await Promise.all(machines.map((files, cpu) => ava(files, options, inMachine(cpu)))))
  },
}

/** Phases of a command of their own, which run only when they are named. */
const ON_DEMAND: Readonly<Record<string, () => Promise<Counts>>> = {
  // Containers with real network managers; two share the processors well.
  guests: () => ava(['test/guests/*.test.ts'], ['--concurrency=2']),
  // Bare Debian systems, whose images take minutes to build.
  packages: () => ava(['test/packages/*.test.ts'], ['--serial']),
}

const wanted = process.argv.slice(2)
const known = { ...phases, ...ON_DEMAND }
const unknown = wanted.filter(name => known[name] === undefined)
if (unknown.length > 0 || !existsSync('package.json')) {
  say(`crossport: no test phase ${unknown.join(', ')}; there are ${Object.keys(known).join(', ')}`)
  process.exit(1)
}
let total: Counts = { passed: 0, failed: 0 }
for (const [name, run] of Object.entries(wanted.length > 0 ? known : phases)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  const start = performance.now()
  say(`\n# ${name}`)
  const counts = await run()
  total = sum([total, counts])
  const { failed } = counts
  say(`# ${name}: ${failed === 0 ? 'good' : `${failed} failed`}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
}
say(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
