import type { Command } from 'commander'
import { agentCommand } from '../agent/commands/program.ts'
import { crossportCommand } from '../cli/crossport.ts'
import { directorCommand } from '../director/commands/program.ts'

const silent = { out: () => {}, err: () => {} }

/** The commands that the packages bring, each with its subcommands, to be described. */
export const COMMANDS: Readonly<Record<'crossport' | 'agent' | 'director', Command>> = {
  crossport: crossportCommand(silent, () => {}),
  agent: agentCommand(silent),
  director: directorCommand(silent),
}
