import { Lexer, Parser } from 'yaml'
import { plainYaml } from '../../shared/config/plain-yaml.ts'
import { parseYaml } from '../../shared/config/yaml.ts'
import { median } from '../measure.ts'
import type { Suite } from '../types.ts'

const FILES = 10_000
const ROUNDS = 5

const suite: Suite = {
  name: 'files',
  about:
    'reading 10,000 service files in plain notation: by the reader for that, by the lexer of the yaml package alone, by its ' +
    'parser up to the syntax tree, and by all of it (processor time; medians of rounds in turn, and the first round, as after a start)',
  run: async report => {
    const texts = Array.from({ length: FILES }, (_, n) => text(n))
    const ways: Readonly<Record<string, (text: string) => void>> = {
      'plain reader': plainYaml,
      'lexer alone': source => drain(new Lexer().lex(source)),
      'syntax tree': source => drain(new Parser().parse(source)),
      'whole parser': parseYaml,
    }
    const times = new Map<string, number[]>(Object.keys(ways).map(name => [name, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, read] of Object.entries(ways)) {
        const begin = process.cpuUsage()
        for (const source of texts) read(source)
        const { user, system } = process.cpuUsage(begin)
        times.get(name)!.push((user + system) / 1000)
      }
    }
    for (const [name, list] of times) {
      report({ name: `${name}: the first time`, value: list[0]!, unit: 'ms' })
      report({ name: `${name}: median`, value: median(list), unit: 'ms' })
    }
  },
}
export default suite

function drain(tokens: Iterable<unknown>): void {
  for (const _ of tokens);
}

const text = (n: number) => `service: s${n}
vip: 10.${n >> 16}.${(n >> 8) & 255}.${n & 255}
port: 80
realServers:
  - vm: vm-${n % 1000}
    port: 8080
`
