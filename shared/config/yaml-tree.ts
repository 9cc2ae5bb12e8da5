import { isAlias, isMap, isNode, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'

export const MAX_ALIASES = 100
/** Most values that the aliases of a document may stand for together. */
const MAX_ALIASED = 10_000

interface TreeProblem {
  readonly offset: number
  readonly reason: string
}

/** Duplicate keys, and aliases that stand for nothing, for too much or for their own parent; in the order of the text. */
export function treeProblems(contents: Node | null): TreeProblem[] {
  const problems: TreeProblem[] = []
  /** Number of values that an anchored node stands for; undefined while the node is open. */
  const anchors = new Map<string, number | undefined>()
  let aliases = 0
  let aliased = 0
  const problem = (node: Node, reason: string) => problems.push({ offset: node.range?.[0] ?? 0, reason })

  const sizeOf = (node: unknown): number => {
    if (!isNode(node)) return 0
    if (isAlias(node)) {
      const size = anchors.get(node.source)
      if (!anchors.has(node.source))
        problem(node, `alias *${node.source}: there is no anchor &${node.source} before it`)
      else if (size === undefined) problem(node, `alias *${node.source} stands within what it is an alias of`)
      aliased += size ?? 0
      if (++aliases === MAX_ALIASES + 1) problem(node, `more than ${MAX_ALIASES} aliases: write the values themselves`)
      else if (aliased > MAX_ALIASED && aliased - (size ?? 0) <= MAX_ALIASED)
        problem(node, `aliases stand for more than ${MAX_ALIASED} values: write the values themselves`)
      return Math.min(size ?? 1, MAX_ALIASED + 1)
    }
    const { anchor } = node as { anchor?: string }
    if (anchor !== undefined) anchors.set(anchor, undefined)
    let size = 1
    if (isMap(node)) {
      const keys = new Set<string>()
      for (const { key, value } of node.items) {
        const name = nameOf(key)
        if (name !== undefined && keys.has(name))
          problem(key as Node, 'this key is already there in the same block; keep one of the two')
        if (name !== undefined) keys.add(name)
        size += sizeOf(key) + sizeOf(value)
      }
    } else if (isSeq(node)) for (const item of node.items) size += sizeOf(item)
    if (anchor !== undefined) anchors.set(anchor, size)
    return size
  }

  sizeOf(contents)
  return problems
}

const nameOf = (key: unknown): string | undefined => (isScalar(key) ? String(key.value) : undefined)

/** Finds the offset of a path (see YamlDocument.locate). Keys of a block are indexed once. */
export function treeLocator(contents: Node | null) {
  const known = new WeakMap<YAMLMap, Map<string, Pair>>()
  const pairOf = (map: YAMLMap, key: string) => {
    let pairs = known.get(map)
    if (pairs === undefined) {
      pairs = new Map(
        map.items.toReversed().flatMap(pair => (isNode(pair.key) ? [[nameOf(pair.key) ?? '', pair]] : [])),
      )
      known.set(map, pairs)
    }
    return pairs.get(key)
  }
  return (path: readonly PropertyKey[], wantKey = false): number => {
    let node: unknown = contents
    let place = contents?.range?.[0] ?? 0
    for (const [depth, part] of path.entries()) {
      const pair = isMap(node) ? pairOf(node, String(part)) : undefined
      if (wantKey && depth === path.length - 1 && isNode(pair?.key)) return pair.key.range?.[0] ?? place
      node = isSeq(node) ? node.items[Number(part)] : pair?.value
      if (!isNode(node)) break
      place = node.range?.[0] ?? place
    }
    return place
  }
}
