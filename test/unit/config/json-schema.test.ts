import { readFileSync } from 'node:fs'
import test from 'ava'
import { parse } from 'yaml'
import { z } from 'zod'

// The schema as an editor reads it: the file itself, with the rules of JSON Schema only.
const docs = new URL('../../../docs/', import.meta.url)
const text = readFileSync(new URL('service.schema.json', docs), 'utf8')
const schema = z.fromJSONSchema(JSON.parse(text))
const accepts = (document: unknown) => schema.safeParse(document).success

const good = { service: 'web', vip: '10.10.1.100', port: 80, realServers: [{ vm: 'web-*', port: 8080 }] }

test('it says which draft it is, and takes what the documentation shows', t => {
  t.is(JSON.parse(text).$schema, 'http://json-schema.org/draft-07/schema#')
  t.true(accepts(good))
  const pages = ['service-file.md', 'health-checks.md'].map(name => readFileSync(new URL(name, docs), 'utf8'))
  const blocks = pages.flatMap(page => [...page.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(match => match[1] ?? ''))
  const documents = blocks.flatMap(block => block.split(/^---$/m)).flatMap(one => parse(one) ?? [])
  t.true(documents.length >= 4)
  for (const document of documents) t.true(accepts(document), JSON.stringify(document))
})

const without = (key: keyof typeof good) => Object.fromEntries(Object.entries(good).filter(([name]) => name !== key))

const mistakes: Readonly<Record<string, unknown>> = {
  'no name': without('service'),
  'no port': without('port'),
  'no real servers': without('realServers'),
  'an empty list of them': { ...good, realServers: [] },
  'a real server without a port': { ...good, realServers: [{ vm: 'a' }] },
  "a mistyped key of a real server's": { ...good, realServers: [{ vm: 'a', port: 1, wieght: 2 }] },
  'a mistyped key': { ...good, vips: ['10.10.1.1'] },
  'port 0': { ...good, port: 0 },
  'a port that is a text': { ...good, port: '80' },
  'an unknown protocol': { ...good, protocol: 'sctp' },
  'an unknown scheduler': { ...good, scheduler: 'wrl' },
  'an unknown type of check': { ...good, check: { type: 'htp' } },
  "a mistyped key of a check's": { ...good, check: { type: 'tcp', intervall: '1s' } },
  'a timeout of 0': { ...good, persistence: { timeout: 0 } },
}
for (const [what, document] of Object.entries(mistakes)) {
  test(`an editor underlines ${what}`, t => t.false(accepts(document)))
}
