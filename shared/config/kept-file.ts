import { type ParsedFile, parseServiceFile } from './parse.ts'
import type { ServiceSpec } from './service.ts'
import type { GoodFile } from './snapshot.ts'

/** A file in force as the state file keeps it, so that a start need not read and parse it while it is unchanged. */
export interface KeptFile {
  readonly file: string
  readonly text: string
  /** Identity of the program that read the file, and of the file; empty: the file must be read. */
  readonly identity: string
  /** The services of the file, as JSON. */
  readonly specs: string
}

/**
 * `program`: the identity of this program. Services kept by another version are not used, because it may have read the text
 * differently.
 */
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

/** `own`: the text of the document, where it is not the whole file. */
type KeptSpec = Omit<ServiceSpec, 'source'> & { readonly line: number; readonly own?: string }

/** A file that is parsed only when its services are needed, because most files are found unchanged. */
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
