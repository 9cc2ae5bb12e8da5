import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run as runInMachine } from '../../test/machine/qemu.ts'
import { tempDir } from '../../test/segment/cleanup.ts'
import { hostAlone, switches } from '../kernel/crossport.ts'
import { figures, parse } from '../kernel/figures.ts'
import { GROWTH_WAYS, HOST_WAYS, MANY_WAYS, PACKET_WAYS, WAYS, waysText } from '../kernel/ways.ts'
import type { Suite } from '../types.ts'

const ROUNDS = 3
/** Duration of one run of wrk, which accepts no less. */
const SECONDS = 1
/** Keeps the number of instructions in a second low. Figures are converted to one instruction per nanosecond. */
const INSTRUCTION_NS = 4

const suite: Suite = {
  name: 'kernel',
  about:
    "beside the kernel's own: IPVS by direct routing and by NAT, nftables, HAProxy, a static flow and no balancer, three real " +
    "servers behind a hypervisor's switch, in one Debian kernel; a second is a thousand million instructions (medians)",
  run: async (report, cleanup) => {
    await access('/usr/sbin/ipvsadm').catch(() => {
      throw new Error('ipvsadm is not installed: apt-get install ipvsadm')
    })
    const out = tempDir(cleanup)
    await writeInput(join(out, 'in'))
    const said: string[] = []
    const show = process.env.CROSSPORT_BENCH_CONSOLE !== undefined
    const code = await runInMachine(cleanup, `bash bench/kernel/inside/main.sh ${ROUNDS} ${SECONDS}`, {
      instructionNs: INSTRUCTION_NS,
      out,
      onLine: line => {
        said.push(line)
        if (show) process.stderr.write(`${line}\n`)
      },
    })
    const results = parse(await readFile(join(out, 'results'), 'utf8'), INSTRUCTION_NS)
    // Figures that were measured before a failure are reported, too.
    for (const figure of figures(results)) report(figure)
    if (code !== 0) throw new Error(`the run in the test machine has failed:\n${said.slice(-40).join('\n')}`)
  },
}
export default suite

/** Input of the scripts in bench/kernel/inside. */
async function writeInput(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const few = switches(false)
  const many = switches(true)
  const alone = hostAlone()
  const files: Record<string, string> = {
    ways: waysText(WAYS),
    'packet-ways': waysText(PACKET_WAYS),
    'growth-ways': waysText(GROWTH_WAYS),
    'many-ways': waysText(MANY_WAYS),
    'host-ways': waysText(HOST_WAYS),
    'director.flows': few.director.flows,
    'director.groups': few.director.groups,
    'director.zones': many.director.zones,
    'director.meters': few.director.meters,
    'host.flows': few.host.flows,
    'host.groups': few.host.groups,
    'director-many.flows': many.director.flows,
    'director-many.groups': many.director.groups,
    'host-many.flows': many.host.flows,
    'host-many.groups': many.host.groups,
    'host-alone.flows': alone.flows,
    'host-alone.groups': alone.groups,
  }
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
}
