#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { loadDaemonConfig } from '../shared/config/daemon.ts'
import { createLog } from '../shared/log/create.ts'
import { DIRECTOR_CONFIG_FILE, directorConfigSchema } from './config.ts'
import { runDirector } from './run.ts'

try {
  const { values } = parseArgs({ options: { config: { type: 'string', default: DIRECTOR_CONFIG_FILE } } })
  const config = loadDaemonConfig(directorConfigSchema, values.config)
  await runDirector(config, createLog({ identifier: 'crossport-director', level: config.logLevel }))
  process.exit(0)
} catch (err) {
  createLog({ identifier: 'crossport-director' }).error('the director cannot go on', { err })
  process.exit(1)
}
