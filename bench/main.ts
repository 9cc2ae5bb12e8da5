import { Command } from 'commander'
import { findSuites } from './suites.ts'
import { jsonLine, table } from './table.ts'
import type { Figure, Report, Suite } from './types.ts'

const suites = await findSuites(new URL('suites/', import.meta.url))

const program = new Command('bench')
  .description('Measures crossport, against other programs doing the same in the same run.')
  .argument('[suite...]', `which to run (default: all): ${suites.map(suite => suite.name).join(', ')}`)
  .option('--json', 'one object a line: suite, name, value, unit, goal, met')
  .addHelpText('after', `\nSuites:\n${suites.map(({ name, about }) => `  ${name}: ${about}`).join('\n')}`)
  .parse()
const { json = false } = program.opts<{ json?: boolean }>()
const unknown = program.args.filter(name => !suites.some(suite => suite.name === name))
if (unknown.length > 0)
  program.error(`no suite ${unknown.join(', ')}; there are: ${suites.map(s => s.name).join(', ')}`)
if (process.getuid?.() !== 0) program.error('run this as root: it makes network namespaces and starts Open vSwitch')

for (const suite of suites) {
  if (program.args.length === 0 || program.args.includes(suite.name)) await measure(suite)
}

/** Cleans up after an interrupted suite, too. A missed goal is a figure and not a failure: the exit status stays 0. */
async function measure(suite: Suite): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  let interrupted = false
  const interrupt = (signal: NodeJS.Signals) => {
    interrupted = true
    // Failures from now on are a consequence of the interrupt.
    process.on('unhandledRejection', () => {})
    void cleanup.disposeAsync().finally(() => {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    })
  }
  // Not `once`, because execa ends the process at a signal without another listener.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt)
  cleanup.defer(() => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt)
  })

  const figures: Figure[] = []
  if (!json) process.stdout.write(`${suite.name}: ${suite.about}\n`)
  const report: Report = figure => {
    figures.push(figure)
    if (json) process.stdout.write(`${jsonLine(suite.name, figure)}\n`)
    else if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K  ${figures.length}: ${figure.name}`)
  }
  try {
    await suite.run(report, cleanup)
  } catch (err) {
    // The signal ends the process after the cleanup.
    if (interrupted) await new Promise(() => {})
    throw err
  }
  if (json) return
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  process.stdout.write(`\n${table(figures)}\n\n`)
}
