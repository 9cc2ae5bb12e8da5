import { writeSync } from 'node:fs'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { saveCrasher } from './crashers.ts'

/** After so long, an input counts as endless. Only hanging is detected, so the time is generous. */
const HANGS_MS = 60_000
const LARGEST = 1 << 20

interface Shared {
  readonly name: string
  /** Number of inputs so far, and length of the one that runs. */
  readonly counters: Int32Array
  readonly input: Uint8Array
}

/**
 * Records the inputs of a target on another thread. When one does not end, it is saved as a crasher and the process is killed,
 * because nothing else can end it.
 */
export function watch(name: string): { note(input: Buffer): void; stop(): Promise<unknown> } {
  const shared: Shared = {
    name,
    counters: new Int32Array(new SharedArrayBuffer(8)),
    input: new Uint8Array(new SharedArrayBuffer(LARGEST)),
  }
  const worker = new Worker(new URL(import.meta.url), { workerData: shared })
  worker.unref()
  return {
    note: bytes => {
      shared.input.set(bytes.subarray(0, LARGEST))
      shared.counters[1] = bytes.length
      Atomics.add(shared.counters, 0, 1)
    },
    stop: () => worker.terminate(),
  }
}

function guard({ name, counters, input }: Shared): void {
  for (let seen = -1; ; ) {
    if (Atomics.load(counters, 0) === seen) {
      const file = saveCrasher(name, Buffer.from(input.slice(0, counters[1])))
      // process.stderr goes through the main thread, which hangs.
      writeSync(2, `${name}: an input takes more than ${HANGS_MS / 1000} s: ${file}\n`)
      process.kill(process.pid, 'SIGKILL')
    }
    seen = Atomics.load(counters, 0)
    Atomics.wait(counters, 0, seen, 1)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, HANGS_MS)
  }
}

if (!isMainThread && workerData?.counters instanceof Int32Array) guard(workerData as Shared)
