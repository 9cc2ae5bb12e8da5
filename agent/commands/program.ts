import { Command } from 'commander'
import { type Io, runProgram, secretArgument } from '../../shared/command.ts'
import { AGENT_CONFIG_FILE } from '../config/schema.ts'
import { join } from './join.ts'

/** Runs a command of `crossport-agent`; resolves with the exit code. */
export function command(args: readonly string[], io: Io): Promise<number> {
  return runProgram(agentCommand(io), args, io)
}

/** `crossport-agent` and its commands, beside running it. */
export function agentCommand(io: Io): Command {
  const program = new Command('crossport-agent').description(
    'the daemon of a hypervisor; without a command it runs: --config FILE, --rebuild-state',
  )
  program
    .command('setup')
    .description('asks Open vSwitch and libvirt of this machine, and writes what the configuration lacks')
    .option('--bridge <name>', 'bridge that the VMs are on (default: the only one, or the only one with VMs)')
    .option('--uplink <port>', "its port to the fabric (default: the only one that is neither a VM's nor internal)")
    .option('--config <file>', 'configuration of the agent', AGENT_CONFIG_FILE)
    .action(async ({ config, ...given }: { config: string; bridge?: string; uplink?: string }) => {
      const { setup } = await import('./setup.ts')
      for (const line of await setup(config, given)) io.out(`${line}\n`)
    })
  program
    .command('join')
    .description(
      'lets this host into the fleet of a director: gets it a certificate, and adds the director to its configuration',
    )
    .argument(
      '<director>',
      'address of the director where `crossport-director init` was run; its port for joining is 7474',
    )
    .argument(
      '<token>',
      'as `crossport-director token` has printed it; -: the first line of the standard input, where no other user sees it',
    )
    .option('--host-id <id>', 'name of this host in the fleet (default: hostId of the configuration, or the host name)')
    .option('--config <file>', 'configuration of the agent', AGENT_CONFIG_FILE)
    .action(async (director: string, token: string, { hostId, config }: { hostId?: string; config: string }) => {
      const secret = await secretArgument(token, 'token', io)
      for (const line of await join({ director, token: secret, hostId, config })) io.out(`${line}\n`)
    })
  return program
}
