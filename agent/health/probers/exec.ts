import { holds } from '../../../shared/config/pattern.ts'
import type { Clock } from '../../../shared/run/clock.ts'
import { type AgentCall, createQga } from '../../guest/qga.ts'
import type { Prober } from '../types.ts'
import { firstLine } from '../words.ts'
import { ProbeFailure, timed } from './prober.ts'
import { MOST_BYTES } from './tcp.ts'

/** Runs a command in the guest; exit code 0 is success. A command that exceeds its time goes on running in the guest. */
export function createExecProber(agentCall: AgentCall, clock: Clock): Prober {
  return timed(async ({ check, vmUuid }, signal) => {
    const [path = '', ...args] = check.command
    const qga = createQga({ vmUuid, agentCall, clock, signal })
    const { exitCode, stdout, stderr } = await qga.exec(path, args, { timeoutMs: check.timeout })
    const said = firstLine(stderr) || firstLine(stdout)
    const how = exitCode < 0 ? 'ended by a signal' : `exit code ${exitCode}`
    if (exitCode !== 0) throw new ProbeFailure(said === '' ? how : `${how}: ${said}`)
    if (check.expect !== undefined && !holds(stdout.slice(0, MOST_BYTES), check.expect))
      throw new ProbeFailure(`said ${firstLine(stdout)}`)
    return 'exit code 0'
  })
}
