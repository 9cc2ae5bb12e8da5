import type { Command } from 'commander'

/**
 * A script for bash-completion (github.com/scop/bash-completion): the subcommands of `program`, and the options of the one that
 * has been written. Bash itself completes everything else as names of files.
 */
export function bashCompletion(program: Command): string {
  const name = program.name()
  const cases = program.commands.map(command => `    ${command.name()}) words='${flags(command).join(' ')}' ;;`)
  const first = [...program.commands.map(command => command.name()), 'help', '--help'].join(' ')
  const run = `_${name.replaceAll('-', '_')}`
  return `# bash completion for ${name}
${run}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words=
  COMPREPLY=()
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W '${first}' -- "$current"))
    return
  fi
  case $before in ${valued(program).join(' | ')}) return ;; esac
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
  esac
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -F ${run} ${name}
`
}

const flags = (command: Command) => [...named(command.options), '--help']

/** Options that another word belongs to. */
function valued(program: Command): string[] {
  const options = program.commands.flatMap(command => command.options)
  return [...new Set(named(options.filter(({ required, optional }) => required || optional)))]
}

const named = (options: Command['options']) =>
  options.flatMap(({ short, long }) => [short, long].filter(flag => flag != null))
