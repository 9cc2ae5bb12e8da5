import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs'
import path from 'node:path'

const ROOT = '/sys/fs/cgroup'

/** Control groups of a container's own, in each hierarchy that systemd-nspawn uses (cgroups(7)): it leaves groups where it runs. */
export function groupsOf(name: string): readonly string[] {
  const hierarchies = existsSync(path.join(ROOT, 'cgroup.procs'))
    ? [ROOT]
    : ['systemd', 'unified'].map(hierarchy => path.join(ROOT, hierarchy)).filter(folder => existsSync(folder))
  return hierarchies.map(folder => path.join(folder, name))
}

export function makeGroups(groups: readonly string[]): void {
  for (const group of groups) mkdirSync(group, { recursive: true })
}

/** Removes the groups that nothing is in any more. */
export function removeGroups(groups: readonly string[]): void {
  for (const group of groups) {
    if (!existsSync(group)) continue
    removeGroups(
      readdirSync(group, { withFileTypes: true })
        .filter(entry => entry.isDirectory())
        .map(entry => path.join(group, entry.name)),
    )
    try {
      rmdirSync(group)
    } catch {
      // The kernel may still bury its last process; an empty group harms nobody.
    }
  }
}
