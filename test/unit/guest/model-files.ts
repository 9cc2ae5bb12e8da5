import { WRITE } from '../../../agent/guest/files.ts'

export interface FileAttributes {
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

export const ROOTS: FileAttributes = { mode: 0o644, uid: 0, gid: 0 }

/** Exit code, standard output, standard error. */
export type Ended = [number, string, string]

/** A guest's file system, and the programs that work on it, as far as the agent runs them. */
export class ModelFiles {
  files = new Map<string, string>()
  /** Folders beside those that files are in. */
  folders = new Set<string>()
  /** Paths of `files` at which there are links or pipes. */
  others = new Set<string>()
  /** Mode and owner of files that have others than 0644 and root. */
  attributes = new Map<string, FileAttributes>()
  /** Everything that has changed something, in order. */
  trace: string[] = []

  /** Undefined: this is no such program. */
  protected fileProgram(path: string, args: readonly string[], input: string): Ended | undefined {
    const last = args.at(-1) ?? ''
    if (path === 'cat') {
      const text = this.files.get(last)
      return text === undefined ? [1, '', `cat: ${last}: No such file or directory\n`] : [0, text, '']
    }
    if (path === 'stat') return this.stat(args.slice(2))
    if (path === 'mkdir') {
      if (!this.hasFolder(last)) this.change(`make ${last}`, () => this.folders.add(last))
      return [0, '', '']
    }
    if (path === 'rmdir') {
      if ([...this.files.keys(), ...this.folders].some(there => there.startsWith(`${last}/`)))
        return [1, '', `rmdir: '${last}': Directory not empty\n`]
      this.change(`remove ${last}`, () => this.folders.delete(last))
      return [0, '', '']
    }
    if (path === 'sh' && args[1] === WRITE) {
      const file = args[3] ?? ''
      if (!this.hasFolder(file.slice(0, file.lastIndexOf('/'))))
        return [1, '', `sh: can't create ${args[4]}: nonexistent directory\n`]
      this.write(args.slice(3), input)
      return [0, '', '']
    }
    if (path === 'rm') {
      const [, file] = args
      this.change(`remove ${file}`, () => this.files.delete(file ?? ''))
      return [0, '', '']
    }
    return undefined
  }

  protected change(what: string, work: () => void): void {
    this.trace.push(what)
    work()
  }

  attributesOf(path: string): FileAttributes {
    return this.attributes.get(path) ?? ROOTS
  }

  private hasFolder(path: string): boolean {
    return path === '/' || this.folders.has(path) || [...this.files.keys()].some(file => file.startsWith(`${path}/`))
  }

  private stat(paths: readonly string[]): Ended {
    const there = paths.filter(path => this.files.has(path) || this.hasFolder(path))
    const lines = there.map(path => {
      const { mode, uid, gid } = this.files.has(path) ? this.attributesOf(path) : { ...ROOTS, mode: 0o755 }
      const type = this.others.has(path) ? 0o120000 : this.files.has(path) ? 0o100000 : 0o40000
      return `${(type | mode).toString(16)} ${uid} ${gid} ${path}\n`
    })
    return [there.length === paths.length ? 0 : 1, lines.join(''), '']
  }

  private write([path = '', , mode = '', owner = '']: readonly string[], text: string): void {
    const [uid, gid] = owner.split(':').map(Number)
    this.change(`write ${path}`, () => {
      this.files.set(path, text)
      this.attributes.set(path, { mode: Number.parseInt(mode, 8), uid: uid ?? 0, gid: gid ?? 0 })
    })
  }
}
