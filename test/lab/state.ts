import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import type { LabPlan } from './plan.ts'

const RUN = '/run'
const PREFIX = 'crossport-lab-'

/** The record of a running lab: /run/crossport-lab-ID/lab.json, with the logs beside it. */
export interface LabRecord {
  readonly id: string
  /** Process 1 of the lab. */
  readonly pid: number
  /** Start time of that process, clock ticks since boot: the process id alone may have been reused. */
  readonly startTime: string
  /** True when the lab has outlived its owner; `lab down` without an id ends only such labs. */
  readonly released: boolean
  readonly plan: LabPlan
  /** Process 1 of each place. */
  readonly places: Readonly<Record<string, number>>
}

export function newLabId(): string {
  return randomBytes(3).toString('hex')
}

export function labDir(id: string): string {
  return path.join(RUN, PREFIX + id)
}

export async function makeLabDir(id: string): Promise<string> {
  const dir = labDir(id)
  await mkdir(dir, { mode: 0o700 })
  return dir
}

export function writeRecord(record: LabRecord): void {
  writeFileSync(path.join(labDir(record.id), 'lab.json'), `${JSON.stringify(record, undefined, 2)}\n`)
}

export function readRecord(id: string): LabRecord | undefined {
  const file = path.join(labDir(id), 'lab.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LabRecord) : undefined
}

export function listLabIds(): string[] {
  return readdirSync(RUN)
    .filter(name => name.startsWith(PREFIX))
    .map(name => name.slice(PREFIX.length))
}

/** Field 22 of /proc/PID/stat (proc(5)); undefined where there is no such process. */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

export function isAlive(record: LabRecord): boolean {
  return startTimeOf(record.pid) === record.startTime
}

/** Ends a lab of another process. Process 1 ends last, after everything below it. */
export async function destroy(id: string): Promise<void> {
  const record = readRecord(id)
  if (record !== undefined && isAlive(record)) {
    process.kill(record.pid, 'SIGKILL')
    while (isAlive(record)) await new Promise(resolve => setTimeout(resolve, 5))
  }
  rmSync(labDir(id), { recursive: true, force: true })
}
