import { hash } from 'node:crypto'
import type { Component } from './components.ts'

/**
 * The software bill of materials: a CycloneDX 1.5 document (cyclonedx.org/docs/1.5/json) of what is inside the packages, which is
 * less than package-lock.json has. `epoch`: seconds since 1970. The same contents give the same text.
 */
export function billOfMaterials(version: string, components: readonly Component[], epoch: number): string {
  const document = {
    metadata: {
      timestamp: new Date(epoch * 1000).toISOString(),
      lifecycles: [{ phase: 'build' }],
      component: { 'bom-ref': 'crossport', type: 'application', name: 'crossport', version, ...licensed('Apache-2.0') },
    },
    components: components.map(({ name, version, within, license, purl }) => ({
      'bom-ref': purl ?? `${within}/${name}@${version}`,
      type: 'library',
      ...{ name, version },
      ...(license === undefined ? {} : licensed(license)),
      ...(purl === undefined ? {} : { purl }),
    })),
  }
  const serialNumber = `urn:uuid:${uuid(hash('sha256', JSON.stringify(document)))}`
  const head = { bomFormat: 'CycloneDX', specVersion: '1.5', serialNumber, version: 1 }
  return `${JSON.stringify({ ...head, ...document }, null, 2)}\n`
}

/** One licence by its SPDX id, or an expression. */
function licensed(license: string): object {
  return { licenses: [/\s/.test(license) ? { expression: license } : { license: { id: license } }] }
}

/** A UUID of version 8 (RFC 9562, 5.8) from hexadecimal digits. */
function uuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  )
}
