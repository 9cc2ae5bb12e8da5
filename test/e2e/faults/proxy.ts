import { mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { createFramer as libvirtFramer } from '../../../shared/libvirt/framer.ts'
import { createFramer as openFlowFramer } from '../../../shared/openflow/framer.ts'

/** `hold`: the stage has been reached, and this and all further messages are held back; `pass`: this one still goes through. */
type Verdict = 'hold' | 'pass' | undefined
/** Examines each whole message in turn. */
export type Stage = (message: Buffer, fromAgent: boolean) => Verdict

const [BARRIER, CONTROL] = [20, 33]
const [OPEN, COMMIT, COMMITTED] = [0, 4, 5]

/** The stages of a bundle, seen from its messages (OpenFlow 1.5.1, 7.3.9). */
export const BUNDLE_STAGES: Readonly<Record<string, () => Stage>> = {
  'before the bundle': () => (message, fromAgent) => (fromAgent && control(message) === OPEN ? 'hold' : undefined),
  'between bundle and barrier': () => {
    let open = false
    return (message, fromAgent) => {
      open ||= fromAgent && control(message) === OPEN
      return open && fromAgent && message[1] === BARRIER ? 'hold' : undefined
    }
  },
  'before the commit': () => (message, fromAgent) => (fromAgent && control(message) === COMMIT ? 'hold' : undefined),
  'after the commit, before its answer': () => (message, fromAgent) =>
    !fromAgent && control(message) === COMMITTED ? 'hold' : undefined,
  // The agent writes the outcome down once the last barrier is answered.
  'between commit and SQLite': () => {
    let committed = false
    return (message, fromAgent) => {
      committed ||= !fromAgent && control(message) === COMMITTED
      return committed && fromAgent && message[1] === BARRIER ? 'hold' : undefined
    }
  },
}

/** A guest has got a command that contains these words, and the agent does not live to get the answer. */
export const toldGuest =
  (words: RegExp): Stage =>
  (message, fromAgent) =>
    fromAgent && words.test(message.toString('latin1')) ? 'pass' : undefined

function control(message: Buffer): number | undefined {
  return message[1] === CONTROL ? message.readUInt16BE(12) : undefined
}

export interface Middleman {
  /** Resolves when the stage has been reached. `then` has been called by that time, and nothing has come through since. */
  until(stage: Stage, then: () => void): Promise<void>
  close(): void
}

const FRAMERS = { openflow: openFlowFramer, libvirt: libvirtFramer }

/** A proxy at `from` between an agent and one of its sockets. Everything comes through until a stage is awaited. */
export function standBetween(from: string, to: string, protocol: keyof typeof FRAMERS): Middleman {
  const sockets = new Set<Socket>()
  let waiting: { stage: Stage; reached(): void } | undefined

  const pipe = (a: Socket, b: Socket, fromAgent: boolean, pair: { held: boolean }) => {
    const framer = FRAMERS[protocol]()
    a.on('data', (chunk: Buffer) => {
      for (const message of framer.push(chunk)) {
        if (pair.held) return
        const verdict = waiting?.stage(message, fromAgent)
        if (verdict !== 'hold') b.write(message)
        if (verdict === undefined) continue
        pair.held = true
        waiting?.reached()
        waiting = undefined
      }
    })
    a.on('close', () => b.destroy())
    a.on('error', () => b.destroy())
    sockets.add(a)
  }

  mkdirSync(dirname(from), { recursive: true })
  rmSync(from, { force: true })
  const server = createServer(agent => {
    const other = connect(to)
    const pair = { held: false }
    pipe(agent, other, true, pair)
    pipe(other, agent, false, pair)
  }).listen(from)
  return {
    until: (stage, then) =>
      new Promise(resolve => {
        waiting = {
          stage,
          reached: () => {
            then()
            resolve()
          },
        }
      }),
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      rmSync(from, { force: true })
    },
  }
}
