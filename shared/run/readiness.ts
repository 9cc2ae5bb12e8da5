import type { Notify } from './notify.ts'

/** Tells the service manager that a daemon is ready (sd_notify(3)): once, after its first confirmed pass. */
export interface Readiness {
  /** Called after every pass. Only the first call tells the service manager, and returns true. */
  reached(status: string): boolean
  /** What the daemon waits for before it is ready; for `systemctl status`. */
  waiting(what: string | undefined): void
  /**
   * Runs `work` as a reload. It is announced only when readiness was announced before, because READY=1 at its end would announce
   * that.
   */
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
