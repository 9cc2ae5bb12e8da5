import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run as runInMachine } from '../../test/machine/qemu.ts'
import { tempDir } from '../../test/segment/cleanup.ts'
import { switches } from '../kernel/crossport.ts'
import { figures, parse } from '../kernel/figures.ts'
import { GROWTH_WAYS, MANY_WAYS, PACKET_WAYS, WAYS, waysText } from '../kernel/ways.ts'
import type { Suite } from '../types.ts'

const ROUNDS = 3
const SECONDS = 1

const suite: Suite = {
  name: 'kernel',
  about:
    "beside the kernel's own: IPVS by direct routing and by NAT, nftables, HAProxy, a static flow and no balancer, three real " +
    "servers behind a hypervisor's switch, in one Debian kernel whose seconds are instructions (medians)",
  run: async (report, cleanup) => {
    await access('/usr/sbin/ipvsadm').catch(() => {
      throw new Error('ipvsadm is not installed: apt-get install ipvsadm')
    })
    const out = tempDir(cleanup)
    await writeInput(join(out, 'in'))
    const said: string[] = []
    const show = process.env.CROSSPORT_BENCH_CONSOLE !== undefined
    const code = await runInMachine(cleanup, `bash bench/kernel/inside/main.sh ${ROUNDS} ${SECONDS}`, {
      icount: true,
      out,
      onLine: line => {
        said.push(line)
        if (show) process.stderr.write(`${line}\n`)
      },
    })
    if (code !== 0) throw new Error(`the run in the test machine has failed:\n${said.slice(-40).join('\n')}`)
    for (const figure of figures(parse(await readFile(join(out, 'results'), 'utf8')))) report(figure)
  },
}
export default suite

/** What the scripts in bench/kernel/inside read. */
async function writeInput(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const few = switches(false)
  const many = switches(true)
  const files: Record<string, string> = {
    ways: waysText(WAYS),
    'packet-ways': waysText(PACKET_WAYS),
    'growth-ways': waysText(GROWTH_WAYS),
    'many-ways': waysText(MANY_WAYS),
    'director.flows': few.director.flows,
    'director.groups': few.director.groups,
    'director.zones': many.director.zones,
    'host.flows': few.host.flows,
    'host.groups': few.host.groups,
    'director-many.flows': many.director.flows,
    'director-many.groups': many.director.groups,
    'host-many.flows': many.host.flows,
    'host-many.groups': many.host.groups,
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
}
