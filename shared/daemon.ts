import { parseArgs } from 'node:util'
import type { ZodType } from 'zod'
import type { Io } from './command.ts'
import { loadDaemonConfig } from './config/daemon.ts'
import { createLog } from './log/create.ts'
import type { Level } from './log/level.ts'
import type { Log } from './log.ts'
import { lastWords } from './run/last-words.ts'
import { rebuildState } from './sqlite/rebuild.ts'

/** What both daemons' configurations have. */
interface Common {
  readonly logLevel: Level
  readonly stateFile: string
  readonly controlSocket: string
}

export interface Daemon<Config> {
  readonly name: 'agent' | 'director'
  /** Where its configuration is unless `--config` says otherwise. */
  readonly configFile: string
  readonly schema: ZodType<Config>
  /** Loads what its commands need, and the daemon does not. */
  loadCommand(): Promise<(args: readonly string[], io: Io) => Promise<number>>
  /** Loads what the daemon needs, and its commands do not. */
  loadRun(): Promise<(config: Config, log: Log) => Promise<void>>
}

/** Runs a daemon's program, or one of its commands, as the arguments of the process say; ends the process. */
export async function runDaemon<Config extends Common>(daemon: Daemon<Config>): Promise<never> {
  const { name, configFile, schema } = daemon
  const args = process.argv.slice(2)
  if (args[0] !== undefined && (!args[0].startsWith('--') || args[0] === '--help')) {
    const [command, { STDIO }] = await Promise.all([daemon.loadCommand(), import('./command.ts')])
    process.exit(await command(args, STDIO))
  }

  const identifier = `crossport-${name}`
  /** Ends the watch over the process's end, when its reason has been said. */
  let said = () => {}
  // What this process makes is its own from the first byte on: the state file, and sockets until others are let in.
  process.umask(0o077)
  try {
    const { values } = parseArgs({
      options: { config: { type: 'string', default: configFile }, 'rebuild-state': { type: 'boolean' } },
    })
    const config = loadDaemonConfig(schema, values.config)
    const log = createLog({ identifier, level: config.logLevel })
    said = lastWords(log)
    if (values['rebuild-state'] === true) {
      const { stateFile, controlSocket } = config
      const kept = await rebuildState({ stateFile, controlSocket, now: new Date() })
      log.notice('the state file is built anew at the next start', { file: stateFile, ...(kept ? { kept } : {}) })
    } else {
      const run = await daemon.loadRun()
      await run(config, log)
    }
    process.exit(0)
  } catch (err) {
    createLog({ identifier }).error(`the ${name} cannot go on`, { err })
    said()
    process.exit(1)
  }
}
