import type { CheckTarget } from '../../../agent/health/types.ts'
import type { CheckSpec } from '../../../shared/config/check.ts'
import { parseServiceFile } from '../../../shared/config/parse.ts'

/** A check as parsed from a service file; throws its problems. */
export function checkOf(check: Record<string, unknown>): CheckSpec {
  const file = { service: 'web', vip: '10.10.1.100', port: 80, realServers: [{ vm: 'web-1', port: 8080 }], check }
  const { specs, problems } = parseServiceFile(JSON.stringify(file), 'web.yaml')
  const [spec] = specs
  if (spec?.check === undefined) throw new Error(problems.map(({ reason }) => reason).join('; '))
  return spec.check
}

export function target(check: Record<string, unknown>, changes: Partial<CheckTarget> = {}): CheckTarget {
  return {
    key: 'web/1/8080',
    service: 'web',
    vm: 'web-1',
    vmUuid: '00000000-0000-4000-8000-000000000001',
    runId: 1,
    vip: '10.10.1.100',
    port: 8080,
    check: checkOf(check),
    address: '169.254.96.3',
    obstacle: undefined,
    presumedUp: false,
    ...changes,
  }
}
