import { median } from '../measure.ts'
import type { Figure } from '../types.ts'
/** Figure → way → what was measured in each round. */
export type Results = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>
export function parse(text: string): Results {
  const results = new Map<string, Map<string, number[]>>()
  for (const line of text.split('\n').filter(Boolean)) {
    const [figure, way, value] = line.split('\t')
    const ways = results.get(figure!) ?? new Map<string, number[]>()
    results.set(figure!, ways)
    ways.set(way!, [...(ways.get(way!) ?? []), Number(value)])
  }
  return results
}
export function figures(results: Results): Figure[] {
  return [...results].flatMap(([figure, ways]) => [...ways].map(([way, list]) => ({ name: `${figure}: ${way} [${list.map(x => +x.toPrecision(4))}]`, value: median(list), unit: '' })))
}
