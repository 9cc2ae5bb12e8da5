import { parseServiceFile } from '../../../shared/config/parse.ts'
import type { GoodFile } from '../../../shared/config/snapshot.ts'

/** A file that has not been changed for a while, as it was read. */
export const goodFile = (file: string, text: string): GoodFile => ({
  file,
  text,
  parsed: parseServiceFile(text, file),
  identity: `of ${file}`,
})
