import { parseServiceFile } from '../../../shared/config/parse.ts'
import type { GoodFile } from '../../../shared/config/snapshot.ts'

/** A file as it was read when nobody had touched it for a while. */
export const goodFile = (file: string, text: string): GoodFile => ({
  file,
  text,
  parsed: parseServiceFile(text, file),
  identity: `of ${file}`,
})
