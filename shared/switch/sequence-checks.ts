import { disableSequenceChecks, type VswitchdOptions } from './vswitchd.ts'

export interface SequenceChecks {
  /** Turns them off in a userspace datapath, once a session: a vswitchd that does not know the command will not learn it. */
  off(datapathType: string): Promise<void>
  /** It may be another vswitchd by now. */
  distrust(): void
}

/** `otherwise`: what happens with the checks on, for the journal. Turning them off may fail, and all else goes on. */
export function createSequenceChecks(options: VswitchdOptions, otherwise: string): SequenceChecks {
  let asked = false
  return {
    off: async datapathType => {
      if (asked || datapathType !== 'netdev') return
      asked = true
      await disableSequenceChecks(options).catch((err: unknown) =>
        options.log.warn(`conntrack goes on checking sequence numbers: ${otherwise}`, { err }),
      )
    },
    distrust: () => {
      asked = false
    },
  }
}
