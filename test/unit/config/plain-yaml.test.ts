import test from 'ava'
import fc from 'fast-check'
import { plainYaml } from '../../../shared/config/plain-yaml.ts'
import { parseYaml, readYaml } from '../../../shared/config/yaml.ts'
import { yamlText } from './yaml-texts.ts'

const PLAIN = `service: web
# who it is for
vip: 10.10.1.100
port: 80
clients: [10.10.1.0/24, 10.10.2.7/32]
check:
  type: tcp
  interval: 500ms
realServers:
  - vm: web-*
    port: 8080
    weight: 3

  - vm: 6f0f5f24-0e5c-4d0c-9b1c-0123456789ab
    port: 8081
    sorry: true
`

test('a plain file is read without the whole parser', t => {
  t.deepEqual(plainYaml(PLAIN), parseYaml(PLAIN).documents[0]?.value)
  t.truthy(plainYaml('service: web\nrealServers:\n- vm: a\n  port: 1\n- vm: b\n  port: 2\n'))
  t.truthy(plainYaml('service: web\nlist:\n  - a\n  - 7\n'))
})

test('what it reads, it reads as the whole parser does', t => {
  let plain = 0
  fc.assert(
    fc.property(yamlText, source => {
      if (plainYaml(source) === undefined) return
      plain++
      const [fast, whole] = [readYaml(source, 3), parseYaml(source, 3)]
      t.deepEqual(
        fast.documents.map(({ line, text, value, findings }) => ({ line, text, value, findings })),
        whole.documents.map(({ line, text, value, findings }) => ({ line, text, value, findings })),
        JSON.stringify(source),
      )
    }),
    { numRuns: Number(process.env.CROSSPORT_YAML_RUNS ?? 20_000) },
  )
  t.true(plain > 500, `${plain} were plain`)
})
