import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { resync, teardown } from './act.ts'
import { checkFiles } from './check/check.ts'
import { showConnections } from './connections.ts'
import { EXIT, type Io } from './exit.ts'
import { AGENT_SOCKET, DIRECTOR_SOCKET } from './sockets.ts'
import { showStatus } from './status/show.ts'

const socketOption = [
  '-s, --socket <path>',
  `control socket of a daemon, may be repeated (default: ${AGENT_SOCKET} and ${DIRECTOR_SOCKET}, those that are there)`,
  (value: string, before: string[] = []) => {
    if (!value.startsWith('/')) throw new InvalidArgumentError('must be an absolute path')
    return [...before, value]
  },
] as const

/** The command `crossport` with these arguments; resolves with its exit code. */
export async function crossport(args: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.ok
  const program = crossportCommand(io, code => {
    exitCode = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  }
  return exitCode
}

/** The command and its subcommands; `ended` is told the exit code of the one that has run. */
export function crossportCommand(io: Io, ended: (exitCode: number) => void): Command {
  const program = new Command('crossport')
    .description('Load balancer for virtual machines: what is in force on this machine, and why something is not')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err })

  program
    .command('status')
    .description('what is in force, what is not, and why; exit code 1 when something is not, 2 when no daemon answers')
    .option('--json', 'one JSON object a daemon, one a line')
    .option('-w, --watch', 'again after every change, until interrupted')
    .option('-t, --timeline', 'when the stations were reached')
    .option(...socketOption)
    .action(async options => ended(await showStatus(options, io)))

  program
    .command('connections')
    .description(
      "the director's connection table: who is connected to which real server; AGE, PACKETS and BYTES are - where the datapath does not count them",
    )
    .option('--service <name>', 'of this service only')
    .option('--count', 'numbers of connections per real server, from counters, without reading the table')
    .option('--disturb', 'read the table even when the switch forwards nothing for a while because of that')
    .option('--json', 'one JSON object a connection, one a line')
    .option(...socketOption)
    .action(async options => ended(await showConnections(options, io)))

  program
    .command('check')
    .description('what would happen if these service files were dropped; exit code 1 when one would be rejected')
    .argument('<file...>', 'service files, or directories of them')
    .option('--dir <path>', 'where they would be dropped (default: where the daemons of this machine read them)')
    .option('--json', 'one JSON object a directory, one a line')
    .option(...socketOption)
    .action(async (files: string[], options) => ended(await checkFiles(files, options, io)))

  program
    .command('resync')
    .description('makes the daemon reread every input and compare every flow with the switch')
    .option(...socketOption)
    .action(async options => ended(await resync(options, io)))

  program
    .command('teardown')
    .description('removes everything that the daemon put into the switch and into guests')
    .option('-y, --yes', 'do not ask')
    .option(...socketOption)
    .action(async options => ended(await teardown(options, io)))

  return program
}
