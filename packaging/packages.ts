import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownerCookie } from '../shared/flows/cookie.ts'
import type { Control, MaintainerScript } from './deb.ts'
import { ROOT } from './root.ts'
import type { Tree } from './tree.ts'

/** A Debian package: what it is called, and what is in it. */
export interface Package {
  readonly name: string
  readonly control: Omit<Control, 'Package' | 'Version' | 'Architecture'>
  readonly scripts: Readonly<Partial<Record<MaintainerScript, string>>>
}

/** Where everything lies once it is installed. */
export const HOME = '/usr/lib/crossport'
const own = (...path: string[]) => readFileSync(join(import.meta.dirname, ...path), 'utf8')

export const COMMAND: Package = {
  name: 'crossport',
  control: {
    // As dpkg-shlibdeps(1) finds for Node and the native modules; libatomic1 is inside the package, libsystemd0 is loaded by name.
    Depends: 'libc6 (>= 2.34), libgcc-s1 (>= 4.2), libstdc++6 (>= 11), libsystemd0',
    Description: `load balancer for virtual machines: command line
Command, documentation, and the Node runtime of its daemons, crossport-agent and crossport-director.`,
  },
  scripts: { postinst: own('debian/crossport.postinst'), postrm: own('debian/crossport.postrm') },
}

export const DAEMONS = ['agent', 'director'] as const
export type Role = (typeof DAEMONS)[number]

const TEXTS: Readonly<Record<Role, { description: string; recommends: string; guests: string; setup: string }>> = {
  agent: {
    description: `load balancer for virtual machines: agent of a hypervisor
Writes the flows of this host's real servers into Open vSwitch, and adds VIPs in VMs by their guest agents.`,
    recommends: 'openvswitch-switch, libvirt-daemon-system',
    guests: ' and the VIPs in the VMs',
    setup: 'Run: crossport-agent setup',
  },
  director: {
    description: `load balancer for virtual machines: director
Answers for the VIPs, and schedules real servers by flows in Open vSwitch. Agents dial in at TCP port 7473.`,
    recommends: 'openvswitch-switch',
    guests: '',
    setup: 'Write /etc/crossport/director.yaml (an example is in /usr/share/doc/crossport/examples)',
  },
}

/** The package of a daemon. It belongs to one version of the command's package, which has the runtime. */
export function daemonPackage(role: Role, version: string): Package {
  const { description: Description, recommends: Recommends, guests, setup } = TEXTS[role]
  const { cookie, mask } = ownerCookie(role)
  const values: Readonly<Record<string, string>> = {
    NAME: `crossport-${role}`,
    ROLE: role,
    CONFIG: `/etc/crossport/${role}.yaml`,
    COOKIE: `0x${cookie.toString(16)}/0x${mask.toString(16)}`,
    GUESTS: guests,
    SETUP: setup,
  }
  const script = (name: MaintainerScript) =>
    own(`debian/daemon.${name}`).replaceAll(/@([A-Z]+)@/g, (_, key) => values[key]!)
  return {
    name: `crossport-${role}`,
    control: { Depends: `crossport (= ${version}), init-system-helpers`, Recommends, Description },
    scripts: { postinst: script('postinst'), prerm: script('prerm'), postrm: script('postrm') },
  }
}

/** A command that runs a program of the bundle; `/bin/sh` replaces itself by it. */
const starter = (program: string) => `#!/bin/sh
LD_LIBRARY_PATH=${HOME}/lib exec ${HOME}/bin/node ${HOME}/${program}/main.js "$@"
`

/** Writes the files of a daemon's package. */
export function daemonFiles(tree: Tree, role: Role, bundle: string): void {
  tree.copy(`${HOME}/${role}/main.js`, join(bundle, role, 'main.js'))
  tree.write(`/usr/sbin/crossport-${role}`, starter(role), 0o755)
  tree.write(`/usr/lib/systemd/system/crossport-${role}.service`, unit(role))
  tree.link(`/usr/share/doc/crossport-${role}`, 'crossport')
}

/** The unit of a checkout, with the paths of the package. */
function unit(role: Role): string {
  const text = readFileSync(join(ROOT, `systemd/crossport-${role}.service`), 'utf8')
  const changed = text
    .replace(`${HOME}/node_modules/.bin/node`, `${HOME}/bin/node`)
    .replace(`/${role}/main.ts`, `/${role}/main.js`)
    .replace(
      `file://${HOME}/docs/operations.md`,
      `man:crossport-${role}(8) file:///usr/share/doc/crossport/operations.md`,
    )
    .replace('[Service]\n', `[Service]\nEnvironment=LD_LIBRARY_PATH=${HOME}/lib\n`)
  if (changed.includes('.ts') || changed.includes('node_modules'))
    throw new Error(`the unit of ${role} has other paths`)
  return changed
}

/** Writes the files of the command's package. */
export function commandFiles(tree: Tree, bundle: string, node: string, library: string): void {
  tree.copy(`${HOME}/bin/node`, node, 0o755)
  tree.copy(`${HOME}/lib/libatomic.so.1`, library)
  for (const file of bundleFiles(bundle)) tree.copy(`${HOME}/${file}`, join(bundle, file))
  tree.write('/usr/bin/crossport', starter('cli'), 0o755)
  for (const kind of ['sysusers', 'tmpfiles']) {
    const file = readdirSync(join(ROOT, 'systemd')).find(name => name === `crossport.${kind}`)
    if (file !== undefined) tree.copy(`/usr/lib/${kind}.d/crossport.conf`, join(ROOT, 'systemd', file))
  }
  tree.copy('/usr/share/crossport/service.schema.json', join(ROOT, 'docs/service.schema.json'))
  for (const page of readdirSync(join(ROOT, 'docs')).filter(
    name => name.endsWith('.md') && name !== 'contributing.md',
  )) {
    tree.copy(`/usr/share/doc/crossport/${page}`, join(ROOT, 'docs', page))
  }
  for (const name of readdirSync(join(import.meta.dirname, 'examples'))) {
    tree.copy(`/usr/share/doc/crossport/examples/${name}`, join(import.meta.dirname, 'examples', name))
  }
}

/** What all programs share, and the command itself. */
function bundleFiles(bundle: string): string[] {
  const all = readdirSync(bundle, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return all
    .map(entry => join(entry.parentPath, entry.name).slice(bundle.length + 1))
    .filter(file => !DAEMONS.some(role => file.startsWith(`${role}/`)))
}
