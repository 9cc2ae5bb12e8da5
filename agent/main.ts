#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { loadDaemonConfig } from '../shared/config/daemon.ts'
import { createLog } from '../shared/log/create.ts'
import { AGENT_CONFIG_FILE, agentConfigSchema } from './config/schema.ts'
import { runAgent } from './run.ts'

const { values } = parseArgs({ options: { config: { type: 'string', default: AGENT_CONFIG_FILE } } })

try {
  const config = loadDaemonConfig(agentConfigSchema, values.config)
  await runAgent(config, createLog({ identifier: 'crossport-agent', level: config.logLevel }))
  process.exit(0)
} catch (err) {
  createLog({ identifier: 'crossport-agent' }).error('the agent cannot go on', { err })
  process.exit(1)
}
