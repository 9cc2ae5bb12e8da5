import { type Command, CommanderError } from 'commander'
import { CrossportError, ERRORS } from './errors.ts'

/** Where a command reads what is not to be seen among its arguments. */
export type Input = AsyncIterable<string | Buffer> & { readonly isTTY?: boolean }

/** Where a command writes, and reads. */
export interface Io {
  out(text: string): void
  err(text: string): void
  /** What is given to it; default: nothing. */
  readonly input?: Input
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

/** Far more than any token has. */
const MOST_CHARACTERS = 4096

/**
 * An argument that others are not to see, as they see all arguments of a process (ps(1)): `-` stands for the first line of the
 * input. Somebody at a terminal is asked for it.
 */
export async function secretArgument(text: string, what: string, { err, input }: Io): Promise<string> {
  if (text !== '-' || input === undefined) return text
  if (input.isTTY === true) err(`${what}: `)
  let read = ''
  for await (const piece of input) {
    read += String(piece)
    if (read.includes('\n') || read.length > MOST_CHARACTERS) break
  }
  return (read.split('\n')[0] ?? '').trim()
}

/** Of the process. */
export const STDIO: Io = {
  out: text => process.stdout.write(text),
  err: text => process.stderr.write(text),
  get input() {
    return process.stdin
  },
}
