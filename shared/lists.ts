/** Compares two texts by code unit, so that the order is the same on every machine. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The same function, which is called only once for each argument. */
export function once<K, V>(of: (key: K) => V): (key: K) => V {
  const known = new Map<K, V>()
  return key => {
    if (!known.has(key)) known.set(key, of(key))
    return known.get(key)!
  }
}

/**
 * The items that are in only one of two lists, by identity. Lists that are mostly the same in the same order cost little: only
 * the part between their common beginning and end is compared.
 */
export function changedItems<T>(before: readonly T[], after: readonly T[]): { readonly gone: T[]; readonly come: T[] } {
  if (before === after) return { gone: [], come: [] }
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  const most = Math.min(before.length, after.length) - start
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++
  const old = new Set(before.slice(start, before.length - end))
  const come = after.slice(start, after.length - end).filter(item => !old.delete(item))
  return { gone: [...old], come }
}

/** For more changes than this, filtering and sorting anew is faster than moving the tail for each. */
const FEW = 64

/** A sorted list without `gone` and with `come`, still sorted. Keys are compared by code unit, and each key occurs once. */
export function updateSorted<T>(
  sorted: readonly T[],
  gone: ReadonlySet<T>,
  come: readonly T[],
  key: (item: T) => string,
): T[] {
  if (gone.size + come.length > FEW) {
    const left = gone.size === 0 ? sorted : sorted.filter(item => !gone.has(item))
    return [...left, ...come].sort((a, b) => compareTexts(key(a), key(b)))
  }
  const next = sorted.slice()
  const placeOf = (item: T) => {
    const wanted = key(item)
    let low = 0
    let high = next.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (key(next[middle]!) < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
  for (const item of gone) {
    const at = placeOf(item)
    if (next[at] === item) next.splice(at, 1)
  }
  for (const item of come) next.splice(placeOf(item), 0, item)
  return next
}
