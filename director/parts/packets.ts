import type { Part, Stop } from '../../shared/run/lifecycle.ts'
import type { House } from '../house.ts'
import { createHeldSyns } from '../packets/held-syns.ts'
import { createIcmpErrors } from '../packets/icmp-errors.ts'
import { createRecall } from '../packets/recall.ts'
import { createRefuser } from '../packets/refuse.ts'
import { createTableWatch } from '../packets/table-watch.ts'

/** What those who answer packets go by: the newest of each. */
function around({ cells, log, clock }: House) {
  return {
    log,
    clock,
    switch: () => cells.switch.get(),
    site: () => cells.site.get(),
    services: () => cells.outcome.get()?.plan.compiled ?? [],
  }
}

/** Takes ICMP errors about packets of a VIP to the host of the right real server. */
export function icmpErrors(house: House): Part {
  return {
    name: 'ICMP errors',
    start: () => house.cells.packets.subscribe(createIcmpErrors(around(house))),
  }
}

/** Ends connections that no host knows. */
export function recall(house: House): Part {
  const { packets, refused } = house.cells
  return {
    name: 'recall',
    start: () => {
      const asked = createRecall({ ...around(house), refuse: refused.publish })
      return both(packets.subscribe(asked.packet), asked.close)
    },
  }
}

/** Lets persistent clients wait while hosts are asked about them. */
export function heldSyns(house: House): Part {
  return {
    name: 'held SYNs',
    start: () => {
      const held = createHeldSyns(around(house))
      return both(house.cells.packets.subscribe(held.packet), held.close)
    },
  }
}

/** Tells when the connection table is another than before. */
export function tableWatch(house: House): Part {
  const { packets, switchUp, outcome, tornDown, tableLost } = house.cells
  return {
    name: 'table watch',
    start: () => {
      const watch = createTableWatch({ ...around(house), onLost: tableLost.publish })
      const applied = () => {
        if ((outcome.get()?.plan.compiled.length ?? 0) > 0 && !tornDown.get()) watch.applied()
      }
      const stops = [
        packets.subscribe(watch.packet),
        switchUp.subscribe(watch.distrust),
        outcome.subscribe(applied),
        watch.close,
      ]
      return () => {
        for (const stop of stops) stop()
      }
    },
  }
}

/** Refuses what nobody can serve. */
export function refusals({ cells, log, clock }: House): Part {
  return {
    name: 'refusals',
    start: () => {
      const refuser = createRefuser({ log, clock })
      return both(
        cells.packets.subscribe(packet => refuser.packet(cells.switch.get(), packet)),
        cells.refused.subscribe(packet => refuser.refuse(cells.switch.get(), packet)),
      )
    },
  }
}

const both = (one: () => void, other: () => void): Stop => {
  return () => {
    one()
    other()
  }
}
