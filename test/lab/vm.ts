import { writeFile } from 'node:fs/promises'
import { domainXml, makeDisk, shellSocket } from './domain.ts'
import { type GuestResult, makeGuestShell } from './guest-shell.ts'
import type { Place } from './place.ts'
import type { VmPlan } from './plan.ts'

/** A VM of the lab, from the views of its owner and of its host's operator. */
export interface LabVm {
  readonly name: string
  readonly plan: VmPlan
  readonly host: Place
  /** Runs a shell command inside, through the lab's own channel. Does not reject on a non-zero exit code. */
  exec(command: string, timeoutMs?: number): Promise<GuestResult>
  /** Resolves once the VM has its own address and answers on port 8080 inside. */
  waitForBoot(): Promise<void>
  /** Resolves once the guest agent answers a ping. Domains only. */
  waitForAgent(timeoutMs?: number): Promise<void>
  /** A guest agent command through libvirt, for example {execute: 'guest-info'}; its `return`. */
  agent(command: object): Promise<unknown>
  /**
   * Reboots the guest from the inside (`guest`), by ACPI, by the guest agent, or by the reset button; resolves when it is up
   * again.
   */
  reboot(mode?: 'guest' | 'acpi' | 'agent' | 'reset'): Promise<void>
  start(): Promise<void>
  /** Ends the VM without a shutdown. */
  destroy(): Promise<void>
  /** The VM's port on br0 (vnetN). */
  port(): Promise<string>
  close(): void
}

const VIRSH = ['virsh', '-q', '-c', 'qemu:///system']

// One request that ends when everything is up: the wait is inside the guest.
const BOOTED = `i=0; until netstat -ltn | grep -q ':8080 ' && ip address show dev eth0 | grep -q 'inet '; do
  i=$((i+1)); [ $i -lt 300 ] || exit 1; usleep 100000; done`

/** Makes disk and domain on the host, which runs libvirtd. */
export async function defineDomain(host: Place, vm: VmPlan, labDir: string): Promise<void> {
  await makeDisk(host, vm, labDir)
  const xml = `/run/lab-${vm.name}.xml`
  await writeFile(host.path(xml), domainXml(vm))
  await host.exec([...VIRSH, 'define', xml])
}

export function makeDomainVm(host: Place, plan: VmPlan): LabVm {
  const { name } = plan
  const virsh = (...args: string[]) => host.exec([...VIRSH, ...args], { timeoutMs: 60_000 })
  const shell = makeGuestShell(name, host.path(shellSocket(name)))

  const waitForBoot = async () => {
    const { exitCode, output } = await shell.run(BOOTED)
    if (exitCode !== 0) throw new Error(`${name}: did not boot: ${output}`)
  }

  const agent = async (command: object) => {
    const { stdout } = await virsh('qemu-agent-command', '--timeout', '5', name, JSON.stringify(command))
    return (JSON.parse(stdout) as { return: unknown }).return
  }

  const reboot = async (mode: 'guest' | 'acpi' | 'agent' | 'reset' = 'guest') => {
    const bootId = async (timeoutMs?: number) =>
      (await shell.run('cat /proc/sys/kernel/random/boot_id', timeoutMs)).output
    const before = await bootId()
    if (mode === 'guest') await shell.run('(sleep 0.1; reboot) >/dev/null 2>&1 &')
    else if (mode === 'reset') await virsh('reset', name)
    else await virsh('reboot', name, '--mode', mode)
    for (let tries = 0; tries < 200; tries++) {
      // Requests to the old kernel are never answered.
      const now = await bootId(500).catch(() => before)
      if (now !== before) return waitForBoot()
    }
    throw new Error(`${name}: did not reboot`)
  }

  return {
    name,
    plan,
    host,
    exec: (command, timeoutMs) => shell.run(command, timeoutMs),
    waitForBoot,
    waitForAgent: async (timeoutMs = 60_000) => {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        try {
          await agent({ execute: 'guest-ping' })
          return
        } catch (error) {
          if (performance.now() > deadline) throw error
          await new Promise(resolve => setTimeout(resolve, 200))
        }
      }
    },
    agent,
    reboot,
    start: async () => {
      await virsh('start', name)
    },
    destroy: async () => {
      await virsh('destroy', name)
      shell.close()
    },
    port: async () => {
      const { stdout } = await virsh('domiflist', name)
      return stdout.trim().split(/\s+/)[0]!
    },
    close: shell.close,
  }
}
