#!/usr/bin/env node
import { runDaemon } from '../shared/daemon.ts'
import { AGENT_CONFIG_FILE, agentConfigSchema } from './config/schema.ts'

await runDaemon({
  name: 'agent',
  configFile: AGENT_CONFIG_FILE,
  schema: agentConfigSchema,
  loadCommand: async () => (await import('./commands/program.ts')).command,
  loadRun: async () => (await import('./run.ts')).runAgent,
})
