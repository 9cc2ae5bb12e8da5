import { readFileSync } from 'node:fs'
import { readYaml } from '../../shared/config/yaml.ts'

export const DEFAULT_DIR = '/etc/crossport/services.d'
const CONFIG_FILES = ['/etc/crossport/agent.yaml', '/etc/crossport/director.yaml']

/** The service directories that this machine's daemons are configured for; the default where there is none. */
export function configuredDirs(files: readonly string[] = CONFIG_FILES): readonly string[] {
  const dirs = files.flatMap(file => servicesDir(file) ?? [])
  return dirs.length === 0 ? [DEFAULT_DIR] : [...new Set(dirs)]
}

/** Undefined where there is no such file; what is wrong with it is the daemon's to say. */
function servicesDir(file: string): string | undefined {
  try {
    const value = readYaml(readFileSync(file, 'utf8')).documents[0]?.value as { servicesDir?: unknown } | undefined
    return typeof value?.servicesDir === 'string' ? value.servicesDir : DEFAULT_DIR
  } catch {
    return undefined
  }
}
