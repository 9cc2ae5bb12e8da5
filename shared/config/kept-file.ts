import { type ParsedFile, parseServiceFile } from './parse.ts'
import type { ServiceSpec } from './service.ts'
import type { GoodFile } from './snapshot.ts'

/** A file in force as a state file keeps it, so that a start need neither read nor parse it while it stays the same. */
export interface KeptFile {
  readonly file: string
  readonly text: string
  /** Of the program that read it, and of the file; empty: to be read. */
  readonly identity: string
  /** Its services (JSON). */
  readonly specs: string
}

/** `program`: what it says of another program's services is not believed, for it may read the text otherwise. */
export function keepFile({ file, text, identity = '', parsed }: GoodFile, program: string): KeptFile {
  if (identity === '') return { file, text, identity, specs: '' }
  const specs = parsed.specs.map(({ source: { line }, ...rest }, i) => {
    const own = parsed.documents[i]!.text
    return { ...rest, line, ...(own === text ? {} : { own }) }
  })
  return { file, text, identity: `${program} ${identity}`, specs: JSON.stringify(specs) }
}

export function keptFile({ file, text, identity, specs }: KeptFile, program: string): GoodFile {
  if (!identity.startsWith(`${program} `)) return unparsed(file, text)
  const documents: ParsedFile['documents'][number][] = []
  const restored = (JSON.parse(specs) as KeptSpec[]).map(({ line, own = text, ...rest }) => {
    documents.push({ file, line, text: own })
    return { ...rest, source: { origin: 'file' as const, file, line } }
  })
  return {
    file,
    text,
    identity: identity.slice(program.length + 1),
    parsed: { specs: restored, problems: [], documents },
  }
}

/** `own`: its document's text, where that is not the whole file. */
type KeptSpec = Omit<ServiceSpec, 'source'> & { readonly line: number; readonly own?: string }

/** Parsed when that is asked for: of most files, what is read is the same. */
function unparsed(file: string, text: string): GoodFile {
  let parsed: ParsedFile | undefined
  return {
    file,
    text,
    get parsed() {
      return (parsed ??= parseServiceFile(text, file))
    },
  }
}
