import type { Notify } from './notify.ts'

/** Tells the service manager that a daemon's start-up is finished (READY=1 of sd_notify(3)): once, after its first confirmed pass. */
export interface Startup {
  /** Called after every pass. Only the first call tells the service manager, and returns true. */
  finished(status: string): boolean
  /** What the daemon waits for before its start-up is finished; for `systemctl status`. */
  waiting(what: string | undefined): void
  /**
   * Runs `work` as a reload. It is announced only after the start-up, because READY=1 at its end would announce the end of the
   * start-up.
   */
  reload(work: () => Promise<void>): Promise<void>
}

export function createStartup(notify: Notify): Startup {
  let told = false
  let last: string | undefined
  return {
    finished: status => {
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
