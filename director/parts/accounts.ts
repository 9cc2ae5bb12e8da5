import type { Stop } from '../../shared/run/lifecycle.ts'
import { listenerOf } from '../accounting/accounts.ts'
import type { House } from '../house.ts'

/** An account for each connection of the services that are in force, and of no others. */
export function connectionAccounts({ accounts, outcomes }: House): Stop {
  return outcomes.plug({
    name: 'accounts',
    take: ({ altered }, gone) => {
      for (const service of gone.compiled) accounts.forget(listenerOf(service))
      for (const service of altered.compiled) accounts.follow(listenerOf(service), service.accounted)
    },
  })
}
