import { type Document, isMap, isScalar, isSeq, parseDocument, type Scalar, YAMLMap, YAMLSeq } from 'yaml'
import { CrossportError } from '../errors.ts'

/**
 * A configuration file's text with changes to single keys; everything else stays as it is, comments included.
 *
 * @param path - for messages
 * @throws CONFIG_INVALID - it is no YAML document with keys
 */
export function editConfig(text: string, path: string, edit: (document: Document) => void): string {
  const document = parseDocument(text)
  const [error] = document.errors
  if (error !== undefined)
    throw new CrossportError('CONFIG_INVALID', `${path}: ${error.message}`, { fields: { file: path } })
  if (document.contents === null) document.contents = new YAMLMap() as never
  if (!isMap(document.contents))
    throw new CrossportError('CONFIG_INVALID', `${path}: must be keys and values`, { fields: { file: path } })
  edit(document)
  return document.toString({ lineWidth: 0 })
}

/** Adds a text to a key that holds one or a list; `same` compares what is there with it. */
export function addToList(document: Document, key: string, value: string, same: (there: string) => boolean): void {
  const node = document.get(key, true) as unknown
  if (isSeq(node)) {
    if (!node.items.some(item => isScalar(item) && same(String(item.value)))) node.add(document.createNode(value))
    return
  }
  if (!isScalar(node) || node.value === null) document.set(key, value)
  else if (!same(String(node.value))) {
    const list = new YAMLSeq<Scalar>()
    list.items = [node, document.createNode(value) as Scalar]
    document.set(key, list)
  }
}
