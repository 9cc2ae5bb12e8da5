#!/usr/bin/env node
import { crossport } from './crossport.ts'
import { EXIT } from './exit.ts'

// The reader has gone (`| head`): there is nobody left to write to.
process.stdout.on('error', () => process.exit(EXIT.ok))

process.exitCode = await crossport(process.argv.slice(2), {
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
})
