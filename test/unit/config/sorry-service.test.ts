import test from 'ava'
import { parseServiceFile } from '../../../shared/config/parse.ts'
import { createSorryServices } from '../../../shared/config/sorry-service.ts'

const parse = (text: string) => parseServiceFile(text, 'web.yaml').specs
const [web, maintenance, other] = parse(`service: web
vip: 10.10.1.100
port: 80
sorryService: maintenance
realServers: [{ vm: web-*, port: 8080 }, { vm: spare, port: 8080 }]
---
service: maintenance
vip: 10.10.1.200
port: 80
realServers: [{ vm: spare, port: 8080 }, { vm: sorry-*, port: 8081, weight: 3 }]
---
service: other
vip: 10.10.1.101
port: 80
realServers: [{ vm: web-*, port: 8080 }]
`) as [import('../../../shared/config/service.ts').ServiceSpec, never, never]

test('the real servers of a sorry service become sorry servers; what the service names itself holds', t => {
  const withSorryServices = createSorryServices()
  const list = [web, maintenance, other]
  const { specs, problems } = withSorryServices(list)
  t.deepEqual(problems, [])
  t.deepEqual(specs[0]?.realServers, [...web.realServers, { vm: 'sorry-*', port: 8081, weight: 3, sorry: true }])
  t.is(specs[1], maintenance)
  t.is(specs[2], other)
  t.is(withSorryServices(list).specs, specs)
})

test('what does not change is the same object, and no service costs the others anything', t => {
  const withSorryServices = createSorryServices()
  const { specs } = withSorryServices([web, maintenance, other])
  t.is(withSorryServices([web, maintenance]).specs[0], specs[0])
  const list = [maintenance, other]
  t.is(withSorryServices(list).specs, list)
})

test('a sorry service that is not there is a problem with file, line and name; the service is in force without it', t => {
  const { specs, problems } = createSorryServices()([web, other])
  t.deepEqual(specs, [web, other])
  t.like(problems[0], { file: 'web.yaml', line: 1, service: 'web' })
  t.regex(problems[0]?.reason ?? '', /no service 'maintenance'/)
})
