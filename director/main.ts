#!/usr/bin/env node
import { runDaemon } from '../shared/daemon.ts'
import { DIRECTOR_CONFIG_FILE, directorConfigSchema } from './config.ts'

await runDaemon({
  name: 'director',
  configFile: DIRECTOR_CONFIG_FILE,
  schema: directorConfigSchema,
  loadCommand: async () => (await import('./commands/program.ts')).command,
  loadRun: async () => (await import('./run.ts')).runDirector,
})
