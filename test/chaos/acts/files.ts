import { SERVICES } from '../../e2e/fixture.ts'
import type { Random } from '../../unit/simulation/random.ts'
import type { Act, Deed } from '../types.ts'
import { fileOf, type Spec, type World } from '../world.ts'

// What an operator does to service files. They stay as they have been edited; wrong ones are mended.

const SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'sed', 'nq', 'sh', 'mh']

/** As a shell gets it from an operator's hands. JSON has no single quotes here. */
const text = (spec: Spec) => `printf '%s\\n' '${fileOf(spec).trim()}'`

const WRITE = {
  'in place': (file: string, spec: Spec) => `${text(spec)} >${file}`,
  'by rename': (file: string, spec: Spec) => `${text(spec)} >${file}.new; mv ${file}.new ${file}`,
  'as a slow copy': (file: string, spec: Spec) => `: >${file}; sleep 1.5; ${text(spec)} >${file}`,
} as const
type Way = keyof typeof WRITE
const WAYS = Object.keys(WRITE) as Way[]

interface Chosen {
  readonly file: string
  readonly spec: Spec
  readonly sh: (script: string) => Promise<string>
}

function act(name: string, weight: number, choose: (chosen: Chosen, random: Random, world: World) => Deed): Act {
  return {
    name,
    lane: 'files',
    weight,
    choose: (world, random) => {
      const [file, spec] = random.pick([...world.files])
      const sh = (script: string) => world.sh('director', `cd ${SERVICES}; ${script}`)
      return choose({ file, spec, sh }, random, world)
    },
  }
}

/** An edit that stays. */
function edit(chosen: Chosen, world: World, spec: Spec, way: Way): Deed {
  const script = WRITE[way](chosen.file, spec)
  return {
    words: `director# ${script}`,
    do: async () => {
      world.files.set(chosen.file, spec)
      await chosen.sh(script)
    },
  }
}

const withWeights = (spec: Spec, weight: () => number): Spec => {
  return { ...spec, realServers: spec.realServers.map(server => ({ ...server, weight: weight() })) }
}

/** Something wrong that lies in the directory for a while; what was in force stays. */
function wrong({ sh }: Chosen, put: string, away: string, words = /SPEC_INVALID/): Deed {
  return {
    words: `director# ${put}   # later: ${away}`,
    do: () => sh(put),
    undo: () => sh(away),
    lasts: [500, 6000],
    tells: { by: 'director', words },
  }
}

export const FILE_ACTS: readonly Act[] = [
  ...WAYS.map(way =>
    act(`edit of weights ${way}`, 3, (chosen, random, world) =>
      edit(
        chosen,
        world,
        withWeights(chosen.spec, () => 1 + random.below(5)),
        way,
      ),
    ),
  ),
  act('another scheduler', 3, (chosen, random, world) =>
    edit(chosen, world, { ...chosen.spec, scheduler: random.pick(SCHEDULERS) }, random.pick(WAYS)),
  ),
  act('another port', 2, (chosen, random, world) => {
    const realServers = chosen.spec.realServers.map(server => ({ ...server, port: server.port ^ 8080 ^ 8081 }))
    return {
      ...edit(chosen, world, { ...chosen.spec, realServers }, random.pick(WAYS)),
      loses: {
        services: [chosen.spec.service],
        atFirst: 3000,
        says: 'service-file.md: connections to the former port end; new real servers prove themselves first',
      },
    }
  }),
  act('a broken file', 3, (chosen, random) => {
    const { file, spec } = chosen
    const bad = random.pick([
      '{ service: web, vip: 10.10.1.100, prot: 80 }',
      '{ service: web, vip: 10.10.1.999, port: 80, realServers: [] }',
      '[[[[',
      '*nobody',
    ])
    return wrong(chosen, `echo '${bad}' >${file}`, WRITE[random.pick(WAYS)](file, spec))
  }),
  act('a second service at a VIP that is taken', 2, chosen => {
    const other = { ...chosen.spec, service: 'newcomer' }
    return wrong(chosen, `${text(other)} >a-newcomer.yaml`, 'rm a-newcomer.yaml', /a-newcomer\.yaml/)
  }),
  act('a heap of strange files', 1, chosen =>
    wrong(
      chosen,
      'mkfifo z.fifo.yaml; ln -s z.loop.yaml z.loop.yaml; i=0; while [ $i -lt 100 ]; do echo "[$i" >z.$i.yaml; i=$((i+1)); done; mkdir z.dir.yaml',
      'rm -r z.*',
      /z\.\d+\.yaml/,
    ),
  ),
  act('a file gets another name', 2, ({ file, spec, sh }, random, world) => {
    const other = `${spec.service}-${random.below(1000)}.yml`
    return {
      words: `director# mv ${file} ${other}`,
      do: async () => {
        world.files.delete(file)
        world.files.set(other, spec)
        await sh(`mv ${file} ${other}`)
      },
    }
  }),
  act('a service moves to another file', 2, ({ file, spec, sh }, random, world) => {
    const other = `${spec.service}-${random.below(1000)}.yaml`
    return {
      words: `director# cp ${file} ${other}; later: rm ${file}`,
      do: () => sh(`cp ${file} ${other}`),
      undo: async () => {
        world.files.delete(file)
        world.files.set(other, spec)
        await sh(`rm ${file}`)
      },
      lasts: [500, 4000],
    }
  }),
  act('a file is deleted, and comes back', 2, ({ file, spec, sh }, _random, world) => ({
    words: `director# rm ${file}   # later: ${WRITE['in place'](file, spec)}`,
    do: async () => {
      world.files.delete(file)
      await sh(`rm ${file}`)
    },
    undo: async () => {
      world.files.set(file, spec)
      await sh(WRITE['in place'](file, spec))
    },
    lasts: [200, 8000],
    loses: {
      services: [spec.service],
      throughout: true,
      afterwards: 6000,
      says: 'service-file.md: a file that is deleted takes its services with it',
    },
  })),
  act("a host's own file", 2, ({ file, spec }, random, world) => {
    const own = `/etc/crossport/services.d/own-${file}`
    const script = `${text(withWeights(spec, () => 1 + random.below(9)))} >${own}`
    return {
      words: `rs2# ${script}   # later: rm ${own}`,
      do: () => world.sh('rs2', script),
      undo: () => world.sh('rs2', `rm ${own}`),
      lasts: [500, 6000],
    }
  }),
]
