import test from 'ava'
import { hostAlone, switches } from '../../../bench/kernel/crossport.ts'
import { figures, parse } from '../../../bench/kernel/figures.ts'
import { HOST_WAYS, MANY_WAYS, WAYS, WITH, WITHOUT } from '../../../bench/kernel/ways.ts'
import { isMet } from '../../../bench/table.ts'

const line = (...cells: readonly (string | number)[]) => `${cells.join('\t')}\n`

test('medians of the rounds, and crossport against IPVS with its goal', t => {
  const text = [3000, 1000, 2000].map(rate => line('connections', 'IPVS DR', rate)).join('')
  const found = figures(parse(text + line('connections', 'crossport wlc, by shares', 1900)))
  const value = (name: string) => found.find(figure => figure.name === name)
  t.is(value('new connections: IPVS DR')?.value, 2000)
  const ratio = value('new connections: crossport wlc, by shares / IPVS DR')!
  t.is(ratio.value, 0.95)
  t.deepEqual(ratio.goal, { atLeast: 1 })
  t.false(isMet(ratio))
})

test('a way that has not answered misses its goal, and says so', t => {
  const found = figures(
    parse(
      line('requests', 'IPVS DR', 10) +
        line('requests.errors', 'crossport rr', 1) +
        line('requests.errors', 'IPVS DR', 0) +
        line('requests.errors', 'crossport rr', 1),
    ),
  )
  t.false(isMet(found.find(({ name }) => name === 'requests kept alive: crossport rr / IPVS DR')!))
  const errors = found.filter(({ name }) => name.startsWith('errors'))
  t.deepEqual(errors, [{ name: 'errors: requests kept alive: crossport rr', value: 2, unit: '' }])
})

test("the product's compilers make flows for each way that is crossport's", t => {
  const { director, host } = switches(true)
  for (const { address, crossport } of [...WAYS, ...MANY_WAYS]) {
    for (const flows of [director.flows, host.flows]) {
      t.is(flows.includes(`nw_dst=${address},tp_dst=`), crossport !== undefined, address)
    }
  }
  t.regex(director.groups, /selection_method=dp_hash/)
  t.regex(director.zones, /^zone=\d+ tcp_\w+=\d+ /m)
})

test('of the host alone, one service tells a director and the other does not', t => {
  const { flows } = hostAlone()
  const rules = (name: string) => {
    const { address } = HOST_WAYS.find(way => way.name === name)!
    return flows.split('\n').filter(flow => flow.includes(`nw_src=${address},`) || flow.includes(`nw_dst=${address},`))
  }
  t.true(rules(WITH).some(flow => flow.includes('resubmit(,164)')))
  t.true(rules(WITH).some(flow => flow.includes('resubmit(,165)')))
  t.true(rules(WITHOUT).length > 0)
  t.false(rules(WITHOUT).some(flow => /resubmit\(,16[45]\)/.test(flow)))
})

test('what signals and recall cost the host is a share of the host without them', t => {
  const found = figures(parse(line('host.connections', WITHOUT, 1000) + line('host.connections', WITH, 950)))
  const ratio = found.find(({ name }) => name === 'host, new connections: with / without')!
  t.is(ratio.value, 0.95)
  t.false(isMet(ratio))
})
