import { resolve } from 'node:path'
import type { Status__Output } from '../../shared/rpc/gen/crossport/v1/Status.ts'
import { status } from '../call.ts'
import { EXIT, type Io } from '../exit.ts'
import { chosenSockets } from '../sockets.ts'
import { configuredDirs, DEFAULT_DIR } from './dirs.ts'
import { readCandidates } from './files.ts'
import { formatReport } from './format.ts'
import { type CheckReport, reportOn } from './report.ts'

export interface CheckOptions {
  readonly dir?: string
  readonly json?: boolean
  readonly socket?: readonly string[]
}

/**
 * `crossport check`: whether a daemon would take these files, and what it would do then. Reads the directory that they
 * would be dropped into, and asks the daemons that run here; without them what can be known from files is told.
 */
export async function checkFiles(
  paths: readonly string[],
  options: CheckOptions,
  io: Io,
  ask: typeof askDaemons = askDaemons,
): Promise<number> {
  const candidates = await readCandidates(paths)
  const statuses = await ask(options, io)
  const byDir = new Map<string, Status__Output[]>()
  for (const status of statuses) {
    const dir = options.dir ?? (status.servicesDir || DEFAULT_DIR)
    byDir.set(dir, [...(byDir.get(dir) ?? []), status])
  }
  if (byDir.size === 0) for (const dir of options.dir ? [options.dir] : configuredDirs()) byDir.set(dir, [])
  let code: number = EXIT.ok
  for (const [dir, daemons] of byDir) {
    const report = await reportOn(candidates, resolve(dir), daemons)
    if (report.problems.length > 0) code = EXIT.notInForce
    if (options.json) io.out(`${JSON.stringify(plain(report))}\n`)
    else formatReport(report, io)
  }
  return code
}

async function askDaemons({ socket }: CheckOptions, io: Io): Promise<readonly Status__Output[]> {
  const statuses: Status__Output[] = []
  for (const path of chosenSockets(socket)) {
    const answer = await status(path)
    if ('value' in answer) statuses.push(answer.value)
    else io.err(`${'failed' in answer ? answer.failed : answer.unreachable}; only files are compared\n`)
  }
  return statuses
}

/** As `--json` shows it. */
function plain({ dir, files, problems, standing, changes, untouched, guests, notes }: CheckReport) {
  const services = changes.map(({ service, kind, before, after, fields, renamedTo, connections }) => {
    const at = (after ?? before)!.source
    return { service, change: kind, source: `${at.file}:${at.line}`, fields, renamedTo, connections }
  })
  return { dir, files, problems, standing, services, untouched, daemons: guests, notes }
}
