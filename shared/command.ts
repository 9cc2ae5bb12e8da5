import { type Command, CommanderError } from 'commander'
import { CrossportError, ERRORS } from './errors.ts'

/** Where a command writes. */
export interface Io {
  out(text: string): void
  err(text: string): void
}

/** Runs a daemon's command; resolves with the exit code: 0, 1 for what it refuses to do, 2 for how it was called. */
export async function runProgram(program: Command, args: readonly string[], io: Io): Promise<number> {
  const own = { writeOut: io.out, writeErr: io.err }
  for (const one of [program, ...program.commands]) one.exitOverride().configureOutput(own).showSuggestionAfterError()
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!(error instanceof CrossportError)) throw error
    io.err(`${error.message}\n${ERRORS[error.code].hint} (${error.code})\n`)
    return 1
  }
}

/** Of the process. */
export const STDIO: Io = {
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
}
