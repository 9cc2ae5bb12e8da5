import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Component } from './components.ts'
import { ROOT } from './root.ts'

/** Debian's copyright file (policy 12.5): whose work is inside the packages, and under which terms. */
export function copyright(components: readonly Component[]): string {
  const others = components.flatMap(({ name, version, license, licenseText }) =>
    licenseText === undefined ? [] : [`${LINE}\n${name} ${version} (${license})\n\n${licenseText.trim()}\n`],
  )
  return `crossport is licensed under the Apache License, version 2.0, which follows. Its packages contain the work of others: Node,
libatomic, and npm packages, which are part of its programs. Their licences follow after it.
What is inside, for programs: crossport.cdx.json beside this file.

${readFileSync(join(ROOT, 'LICENSE'), 'utf8').trim()}

${others.join('\n')}`
}

const LINE = '-'.repeat(78)
