import { agentConfig, type DaemonConfig, type DaemonEnv, directorConfig, startDaemon, writeConfig } from './daemons.ts'
import { type Admission, type DaemonRole, hasIdentity, init, join } from './identity.ts'
import { overlayConfig } from './overlay.ts'
import type { LabProcess, Place } from './place.ts'
import type { LabPlan } from './plan.ts'

/** The daemons of a lab: one fleet, whose CA is on the machine of the director that was started first. */
export interface Fleet {
  /**
   * Runs node agent/main.ts on an RS host, with /etc/crossport/agent.yaml as given here. Without a certificate it joins first,
   * for which it waits for a director.
   */
  startAgent(host: string, config?: DaemonConfig, env?: DaemonEnv): Promise<LabProcess>
  startDirector(host?: string, config?: DaemonConfig, env?: DaemonEnv): Promise<LabProcess>
  /** Gets a machine its certificate before its daemon is started; the first director has to run. */
  join(host: string, role: DaemonRole): Promise<void>
}

export function createFleet(at: (name: string) => Place, plan: LabPlan): Fleet {
  const planOf = (name: string) => plan.hosts.find(host => host.name === name)!
  const usual = `${plan.hosts.find(host => host.role === 'director')?.ip}:7473`
  const open = Promise.withResolvers<Admission>()
  let first: string | undefined

  const admit = async (host: string, role: DaemonRole) => {
    if (!hasIdentity(at(host), role)) await join(at(host), role, await open.promise)
  }
  return {
    startAgent: async (host, config, env) => {
      const whole = agentConfig(planOf(host).ip, usual, { ...overlayConfig(plan), ...config })
      await writeConfig(at(host), 'agent', whole)
      if (whole.director !== undefined) await admit(host, 'agent')
      return startDaemon(at(host), 'agent', env)
    },
    startDirector: async (host = 'director', config, env) => {
      first ??= host
      await writeConfig(at(host), 'director', directorConfig({ ...overlayConfig(plan, planOf(host)), ...config }))
      await (first === host ? init(at(host)) : admit(host, 'director'))
      const director = await startDaemon(at(host), 'director', env)
      if (first === host) open.resolve({ place: at(host), address: planOf(host).ip })
      return director
    },
    join: admit,
  }
}
