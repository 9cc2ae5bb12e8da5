/**
 * What makes a guest's network manager keep one VIP, as data. `plan.ts` records it and carries it out, `undo.ts` undoes it from the
 * record alone.
 */
export type Edit = FileEdit | LinesEdit

/** A file of our own. */
export interface FileEdit {
  readonly kind: 'file'
  readonly path: string
  /** Without our signature. A line that starts with # is a comment in it. */
  readonly text: string
  /** Path whose owner and permissions it gets; nobody but that owner may write it. */
  readonly neighbour: string
  /** A script: whoever may read it may run it. */
  readonly script?: true
  /** Folders above it that the guest may lack, the outermost first. */
  readonly folders?: readonly string[]
}

/** Whole lines at the end of a file that is the guest owner's. Such a file is changed only where its manager has no other place. */
export interface LinesEdit {
  readonly kind: 'lines'
  readonly path: string
  /** Without our comment; each line ends with a line feed. */
  readonly text: string
}

/**
 * What is inserted at the end of the owner's file for this VIP. A file whose last line has no line feed keeps to that, so that
 * insertions can be taken out in any order.
 */
export function insertionOf(before: string, vip: string, text: string): string {
  const lines = linesOf(vip, text)
  return before === '' || before.endsWith('\n') ? `${lines}\n` : `\n${lines}`
}

/** What of ours the file holds for this VIP, as it would have been inserted; undefined when it is not there. */
export function insertedIn(content: string, vip: string, text: string): string | undefined {
  return [`${linesOf(vip, text)}\n`, `\n${linesOf(vip, text)}`].find(inserted => content.includes(inserted))
}

function linesOf(vip: string, text: string): string {
  const count = text.split('\n').length - 1
  const comment = `# crossport ${vip}: this line and the next ${count} are crossport-agent's; edit them and they will be left to you`
  return `${comment}\n${text.trimEnd()}`
}

/** Whether the file holds lines of ours for this VIP, edited or not. */
export function mentions(content: string, vip: string): boolean {
  return content.includes(`# crossport ${vip}:`)
}

/** The file without what was inserted: the bytes of before. Undefined when it is not there as it was, exactly once. */
export function withoutInsertion(content: string, inserted: string): string | undefined {
  const start = content.indexOf(inserted)
  if (start < 0 || content.indexOf(inserted, start + 1) >= 0) return undefined
  return content.slice(0, start) + content.slice(start + inserted.length)
}
