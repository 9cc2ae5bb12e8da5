import {
  chmodSync,
  copyFileSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** The files of a package below a folder, under the names that they have once it is installed. */
export interface Tree {
  readonly root: string
  /** Writes a file. Default mode: 0644. */
  write(path: string, content: string | Buffer, mode?: number): void
  /** The same, compressed; `.gz` is added to its name. */
  writeGzip(path: string, content: string): void
  copy(path: string, from: string, mode?: number): void
  link(path: string, target: string): void
}

export function createTree(root: string): Tree {
  const place = (path: string) => {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    return file
  }
  const write: Tree['write'] = (path, content, mode = 0o644) => {
    writeFileSync(place(path), content)
    chmodSync(join(root, path), mode)
  }
  return {
    root,
    write,
    // Node writes no time and no name into the header.
    writeGzip: (path, content) => write(`${path}.gz`, gzipSync(content, { level: 9 })),
    copy: (path, from, mode = 0o644) => {
      copyFileSync(from, place(path))
      chmodSync(join(root, path), mode)
    },
    link: (path, target) => symlinkSync(target, place(path)),
  }
}

/** Paths of the regular files below a folder, relative to it, sorted. */
export function filesBelow(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .filter(path => lstatSync(join(root, path)).isFile())
    .sort()
}

/** Gives everything below a folder the same time, and folders the mode 0755, whatever the umask was. */
export function settle(root: string, seconds: number): void {
  for (const path of ['.', ...(readdirSync(root, { recursive: true }) as string[])].reverse()) {
    const file = join(root, path)
    if (lstatSync(file).isDirectory()) chmodSync(file, 0o755)
    lutimesSync(file, seconds, seconds)
  }
}
