import { mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { createFramer } from '../../../shared/openflow/framer.ts'

/** The moments of a bundle, as its messages pass by (OpenFlow 1.5.1, 7.3.9). */
export const STAGES = [
  'before the bundle',
  'between bundle and barrier',
  'before the commit',
  'after the commit, before its answer',
  'before the last barrier',
] as const
export type Stage = (typeof STAGES)[number]

const [BARRIER, BARRIER_REPLY, CONTROL] = [20, 21, 33]
const [OPEN, COMMIT, COMMITTED] = [0, 4, 5]

/** Stands between an agent and its switch, and tells when a stage has been reached: what belongs to it is held back. */
export function standBetween(from: string, to: string, stage: Stage, reached: () => void): { close(): void } {
  const sockets = new Set<Socket>()
  let held = false
  let bundle = false
  let committed = false

  const isReached = (type: number, control: number, fromAgent: boolean): boolean => {
    if (fromAgent && type === CONTROL && control === OPEN) {
      bundle = true
      return stage === 'before the bundle'
    }
    if (!bundle) return false
    if (fromAgent && type === BARRIER)
      return committed ? stage === 'before the last barrier' : stage === 'between bundle and barrier'
    if (fromAgent && type === CONTROL && control === COMMIT) return stage === 'before the commit'
    if (!fromAgent && type === CONTROL && control === COMMITTED) {
      committed = true
      return stage === 'after the commit, before its answer'
    }
    return !fromAgent && type === BARRIER_REPLY && committed && stage === 'before the last barrier'
  }

  const pipe = (a: Socket, b: Socket, fromAgent: boolean) => {
    const framer = createFramer()
    a.on('data', (chunk: Buffer) => {
      for (const bytes of framer.push(chunk)) {
        const type = bytes[1]!
        const control = type === CONTROL ? (bytes[12]! << 8) | bytes[13]! : -1
        if (!held && isReached(type, control, fromAgent)) {
          held = true
          reached()
        }
        if (!held) b.write(bytes)
      }
    })
    a.on('close', () => b.destroy())
    a.on('error', () => b.destroy())
    sockets.add(a)
  }

  mkdirSync(dirname(from), { recursive: true })
  rmSync(from, { force: true })
  const server = createServer(agent => {
    const sw = connect(to)
    pipe(agent, sw, true)
    pipe(sw, agent, false)
  }).listen(from)
  return {
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      rmSync(from, { force: true })
    },
  }
}
