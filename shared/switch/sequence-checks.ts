import { createSessionSteps } from './session-steps.ts'
import { disableSequenceChecks, type VswitchdOptions } from './vswitchd.ts'

export interface SequenceChecks {
  /** Turns the checks of sequence numbers off, once per session and only in a userspace datapath. */
  off(datapathType: string): Promise<void>
  /** Forgets that they are off: the switch may be another vswitchd by now. */
  distrust(): void
}

/** `otherwise`: what happens while the checks are on, for the log. A failure to turn them off is only logged. */
export function createSequenceChecks(options: VswitchdOptions, otherwise: string): SequenceChecks {
  const steps = createSessionSteps(options.log)
  const failure = `conntrack goes on checking sequence numbers: ${otherwise}`
  return {
    off: async datapathType => {
      if (datapathType === 'netdev') await steps.once('checks', () => disableSequenceChecks(options), failure)
    },
    distrust: steps.distrust,
  }
}
