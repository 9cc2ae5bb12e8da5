import { existsSync, readFileSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import { type Io, runProgram, secretArgument } from '../../shared/command.ts'
import { parseDaemonConfig } from '../../shared/config/daemon.ts'
import { parseDuration } from '../../shared/config/duration.ts'
import { type CommandConfig, commandConfigSchema, DIRECTOR_CONFIG_FILE } from '../config.ts'

const ttl = (text: string): number => {
  const ms = parseDuration(text)
  if (ms === undefined || ms < 1000 || ms > 7 * 86_400_000)
    throw new InvalidArgumentError('must be a duration from 1s to 168h, such as 15m')
  return ms
}

/** Whatever the daemon makes of the file: a command needs little of it. */
function configOf(file: string): CommandConfig {
  return parseDaemonConfig(commandConfigSchema, existsSync(file) ? readFileSync(file, 'utf8') : '', file)
}

/** Runs a command of `crossport-director`; resolves with the exit code. */
export function command(args: readonly string[], io: Io): Promise<number> {
  return runProgram(directorCommand(io), args, io)
}

/** `crossport-director` and its commands, beside running it. */
export function directorCommand(io: Io): Command {
  const program = new Command('crossport-director').description(
    'the daemon that answers for VIPs; without a command it runs: --config FILE, --rebuild-state',
  )
  const config = ['--config <file>', 'configuration of the director', DIRECTOR_CONFIG_FILE] as const
  const say = (lines: readonly string[]) => io.out(lines.map(line => `${line}\n`).join(''))

  program
    .command('init')
    .description(
      "makes the fleet's certificate authority and this director's certificate; changes nothing that is there",
    )
    .option('--without-revocations', 'the book was lost (BOOK_LOST), and who was revoked has been revoked anew')
    .option(...config)
    .action(async options => {
      const { init } = await import('./init.ts')
      say(await init(configOf(options.config), options.withoutRevocations))
    })

  program
    .command('token')
    .description('prints a token with which one host can join, once')
    .option('--host <id>', 'only this host (default: any whose host id is free)')
    .option('--director <id>', 'for another director, and not for a host')
    .option('--ttl <duration>', 'how long it is good', ttl, 15 * 60_000)
    .option(...config)
    .action(async options => {
      const { makeToken } = await import('./token.ts')
      const { token, notes } = makeToken(configOf(options.config), options)
      io.out(`${token}\n`)
      io.err(notes.map(line => `${line}\n`).join(''))
    })

  program
    .command('join')
    .description('lets this director into the fleet of another one, where `crossport-director init` was run')
    .argument('<director>', 'address of that director; its port for joining is 7474')
    .argument(
      '<token>',
      'as `crossport-director token --director ID` has printed it there; -: the first line of the standard input',
    )
    .option(...config)
    .action(async (director: string, token: string, options) => {
      const { join } = await import('./join.ts')
      const secret = await secretArgument(token, 'token', io)
      say(await join(configOf(options.config), options.config, director, secret))
    })

  program
    .command('revoke')
    .description('ends the certificates of a host at once; it comes back only by joining anew')
    .argument('<host>', 'host id')
    .option(...config)
    .action(async (host: string, options) => {
      const { revoke } = await import('./revoke.ts')
      await revoke(configOf(options.config), host, line => say([line]))
    })

  return program
}
