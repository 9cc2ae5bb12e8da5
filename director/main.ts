#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { loadDaemonConfig } from '../shared/config/daemon.ts'
import { createLog } from '../shared/log/create.ts'
import { lastWords } from '../shared/run/last-words.ts'
import { rebuildState } from '../shared/sqlite/rebuild.ts'
import { DIRECTOR_CONFIG_FILE, directorConfigSchema } from './config.ts'

const args = process.argv.slice(2)
if (args[0] !== undefined && (!args[0].startsWith('--') || args[0] === '--help')) {
  const [{ command }, { STDIO }] = await Promise.all([import('./commands/program.ts'), import('../shared/command.ts')])
  process.exit(await command(args, STDIO))
}

/** Ends the watch over the process's end, when its reason has been said. */
let said = () => {}

// What this process makes is its own from the first byte on: the state file, and sockets until others are let in.
process.umask(0o077)

try {
  const { values } = parseArgs({
    options: { config: { type: 'string', default: DIRECTOR_CONFIG_FILE }, 'rebuild-state': { type: 'boolean' } },
  })
  const config = loadDaemonConfig(directorConfigSchema, values.config)
  const log = createLog({ identifier: 'crossport-director', level: config.logLevel })
  said = lastWords(log)
  if (values['rebuild-state'] === true) {
    const { stateFile, controlSocket } = config
    const kept = await rebuildState({ stateFile, controlSocket, now: new Date() })
    log.notice('the state file is built anew at the next start', { file: stateFile, ...(kept ? { kept } : {}) })
  } else {
    const { runDirector } = await import('./run.ts')
    await runDirector(config, log)
  }
  process.exit(0)
} catch (err) {
  createLog({ identifier: 'crossport-director' }).error('the director cannot go on', { err })
  said()
  process.exit(1)
}
