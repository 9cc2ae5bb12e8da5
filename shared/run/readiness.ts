import type { Notify } from './notify.ts'

/** When a daemon tells its service manager that it is ready (sd_notify(3)): once, after its first confirmed pass. */
export interface Readiness {
  /** Said after every pass; only the first, for which it returns true, tells the service manager. */
  reached(status: string): boolean
  /** What is waited for, while readiness was not announced; for `systemctl status`. */
  waiting(what: string | undefined): void
  /** A reload is announced and ended only when readiness was announced before: READY=1 would do that. */
  reload(work: () => Promise<void>): Promise<void>
}

export function createReadiness(notify: Notify): Readiness {
  let told = false
  let last: string | undefined
  return {
    reached: status => {
      if (told) return false
      told = true
      notify.ready(status)
      return true
    },
    waiting: what => {
      if (told || what === undefined || what === last) return
      last = what
      notify.status(`waiting for ${what}`)
    },
    reload: async work => {
      if (!told) return work()
      notify.reloading()
      await work().finally(() => notify.ready())
    },
  }
}
