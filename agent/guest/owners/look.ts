import { CrossportError } from '../../../shared/errors.ts'
import type { GuestFiles } from '../files.ts'
import { isAgentError } from '../ip.ts'
import type { Qga } from '../qga.ts'
import type { Look } from './types.ts'

export interface GuestLook extends Look {
  /** The guest's first refusal to read a file or to run a program, for the operator. */
  refused(): string | undefined
}

/** Looks into one guest. Each file and program is asked once. */
export function createLook(qga: Qga, files: GuestFiles, nic: string, environment: readonly string[]): GuestLook {
  const texts = new Map<string, Promise<string | undefined>>()
  const outputs = new Map<string, Promise<string | undefined>>()
  let refused: string | undefined
  const once = <T>(known: Map<string, Promise<T>>, key: string, work: () => Promise<T>): Promise<T> => {
    let found = known.get(key)
    if (found === undefined) known.set(key, (found = work()))
    return found
  }
  const orRefused = (error: unknown): undefined => {
    if (!(error instanceof CrossportError) || (error.code !== 'GUEST_COMMAND_FAILED' && !isAgentError(error)))
      throw error
    refused ??= error.message
    return undefined
  }
  return {
    nic,
    refused: () => refused,
    read: path => once(texts, path, () => files.read(path).catch(orRefused)),
    run: (program, ...args) =>
      once(outputs, JSON.stringify([program, ...args]), () => {
        const [first = program, ...rest] = [...environment, program, ...args]
        return qga.exec(first, rest).then(({ exitCode, stdout }) => (exitCode === 0 ? stdout : undefined), orRefused)
      }),
    find: async (...paths) => {
      const there = await files.attributes(paths)
      return paths.find(path => there.has(path))
    },
  }
}
