import type { Stop } from '../../shared/run/lifecycle.ts'
import { listenerOf } from '../accounting/accounts.ts'
import type { House } from '../house.ts'

/** Keeps an account for each connection of the services in force, and for no others. */
export function connectionAccounts({ accounts, outcomes }: House): Stop {
  return outcomes.plug({
    name: 'accounts',
    take: ({ altered }, gone) => {
      for (const service of gone.compiled) accounts.forget(listenerOf(service))
      for (const service of altered.compiled) accounts.follow(listenerOf(service), service.accounted)
    },
  })
}
