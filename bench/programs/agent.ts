import { agentConfigSchema } from '../../agent/config/schema.ts'
import { watchPorts } from '../../agent/ports/watch.ts'
import { runAgent } from '../../agent/run.ts'
import { quiet } from '../../shared/log/quiet.ts'
import type { OvsdbClient } from '../../shared/ovsdb/connection.ts'
import { openSwitch } from '../../shared/switch/session.ts'
import type { DaemonEvent, DaemonOptions } from '../daemon.ts'
import { hostWith } from '../host.ts'

/*
 * The agent as it is deployed, in a process of its own, with VMs and ports that only exist in its input. It reports to its parent
 * what it has reached, with times of the machine's common clock.
 */

const { config, vms, ports: source } = JSON.parse(process.argv[2]!) as DaemonOptions
const { inventory, ports } = hostWith(0, vms)
const tell = (event: DaemonEvent) => process.send?.(event)
const now = () => Number(process.hrtime.bigint()) / 1e6

tell({ kind: 'begun', at: now() })
await runAgent(
  agentConfigSchema.parse(config),
  {
    ...quiet,
    with: () => quiet,
    debug: message => {
      if (message === 'desired flows were saved') tell({ kind: 'saved', at: now() })
    },
    info: (message, fields) => {
      if (message === 'in sync') tell({ kind: 'in sync', at: now(), flows: Number(fields?.flows) })
    },
  },
  {
    openSwitch: options => {
      const sw = openSwitch(options)
      return {
        ...sw,
        commit: async change => {
          const begin = now()
          await sw.commit(change)
          const at = now()
          tell({ kind: 'confirmed', at, commitMs: at - begin })
        },
      }
    },
    watchPorts: options => {
      if (source === 'in OVSDB') return watchPorts(options)
      queueMicrotask(() => options.onChange(ports))
      return { snapshot: () => ports, client: undefined as unknown as OvsdbClient, close: () => {} }
    },
    watchInventory: ({ onChange }) => {
      queueMicrotask(() => onChange(inventory))
      return { snapshot: () => inventory, close: () => {} }
    },
  },
)
process.exit(0)
