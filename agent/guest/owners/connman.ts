import type { Owner } from './types.ts'

/** ConnMan has no place for a second address, and takes away those that it does not know when it restarts. */
export const connman: Owner = {
  name: 'ConnMan',
  detect: async ({ nic, run }) => {
    const state = await run('connmanctl', 'state')
    if (state === undefined || !/^\s*State = (?:ready|online|idle)$/m.test(state)) return undefined
    return {
      owner: 'ConnMan',
      why: `ConnMan runs, and no other manager has ${nic}`,
      edits: () => 'ConnMan has no place for a second address',
    }
  },
}
