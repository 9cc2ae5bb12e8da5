import type { Command } from 'commander'

/**
 * A script for bash-completion (github.com/scop/bash-completion): the subcommands of `program`, and the options of the one that
 * is written. After an option with a value, and for arguments, it offers files.
 */
export function bashCompletion(program: Command): string {
  const name = program.name()
  const cases = program.commands.map(command => `    ${command.name()}) words='${flags(command).join(' ')}' ;;`)
  return `# bash completion for ${name}(1)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} words
  case \${COMP_WORDS[1]} in
${cases.join('\n')}
    *) words='${[...program.commands.map(command => command.name()), 'help', '--help'].join(' ')}' ;;
  esac
  [ "$COMP_CWORD" = 1 ] && words='${[...program.commands.map(command => command.name()), 'help', '--help'].join(' ')}'
  COMPREPLY=()
  case " ${program.commands.flatMap(withValue).join(' ')} " in *" $before "*) return ;; esac
  if [ "$COMP_CWORD" = 1 ] || [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -F _${name} ${name}
`
}

const flags = (command: Command) =>
  [...command.options.flatMap(({ short, long }) => [short, long]), '--help'].filter(flag => flag !== undefined)

/** Options that another word belongs to. */
const withValue = (command: Command) =>
  command.options.filter(({ required, optional }) => required || optional).flatMap(({ short, long }) => [short, long])
