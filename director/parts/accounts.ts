import type { Part } from '../../shared/run/lifecycle.ts'
import { listenerOf } from '../accounting/accounts.ts'
import type { House } from '../house.ts'

/** An account for each connection of the services that are in force, and of no others. */
export function connectionAccounts({ accounts, outcomes }: House): Part {
  return {
    name: 'accounts',
    start: () =>
      outcomes.plug({
        name: 'accounts',
        take: ({ altered }, gone) => {
          for (const service of gone.compiled) accounts.forget(listenerOf(service))
          for (const service of altered.compiled) accounts.follow(listenerOf(service), service.accounted)
        },
      }),
  }
}
