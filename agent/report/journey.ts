import type { ServiceSpec } from '../../shared/config/service.ts'
import { CrossportError, type ErrorCode } from '../../shared/errors.ts'
import { changedItems } from '../../shared/lists.ts'
import type { Log } from '../../shared/log.ts'
import type { Timeline } from '../../shared/run/timeline.ts'
import type { Reports, Told } from './reports.ts'
import type { ReportedRealServer } from './types.ts'

/* The way of each service and each real server through the stations, told once a station: in the timeline, and in the log. */

/** Tells which services are new, changed or gone. */
export function createServiceJourney(timeline: Timeline, log: Log): (specs: readonly ServiceSpec[]) => void {
  let last: readonly ServiceSpec[] = []
  return specs => {
    const { gone, come } = changedItems(last, specs)
    last = specs
    const before = new Map(gone.map(spec => [spec.service, spec]))
    for (const spec of come) {
      const was = before.get(spec.service)
      before.delete(spec.service)
      if (was !== undefined && JSON.stringify(was) === JSON.stringify(spec)) continue
      const where = `${spec.source.origin === 'director' ? 'director, ' : ''}${spec.source.file}:${spec.source.line}`
      timeline.add('file', spec.service, where)
      log.info(`service ${was === undefined ? 'added' : 'changed'}`, { service: spec.service, from: where })
    }
    for (const name of before.keys()) {
      timeline.add('file', name, 'gone')
      log.info('service removed', { service: name })
    }
  }
}

/** What a refusal says of a document. */
interface Refused {
  readonly spec: ServiceSpec
  readonly code: ErrorCode
  readonly reason: string
}

/** Tells each document that is refused here, or waits, once for each reason. */
export function createRefusalLog(log: Log): (refused: readonly Refused[]) => void {
  let last: readonly Refused[] = []
  let told = new Set<string>()
  return refused => {
    if (refused === last) return
    last = refused
    const now = new Set<string>()
    for (const { spec, code, reason } of refused) {
      const { service, source } = spec
      const message = `service '${service}' (${source.file}:${source.line}): ${reason}`
      now.add(message)
      if (told.has(message)) continue
      const fields = { service, file: source.file, line: source.line, err: new CrossportError(code, message) }
      if (code === 'VIP_UNKNOWN') log.notice('a service of the director waits', fields)
      else log.error('a service of the director is refused', fields)
    }
    told = now
  }
}

/** Tells which real servers have their flows, their VIP, another state, or are gone. */
export function createRealServerJourney(timeline: Timeline, log: Log): (reports: Reports) => void {
  const states = new Map<string, ReportedRealServer>()
  const flows = new Set<string>()
  const vips = new Set<string>()

  const once = (seen: Set<string>, reached: boolean, key: string, tell: () => void) => {
    if (reached === seen.has(key)) return
    if (!reached) return void seen.delete(key)
    seen.add(key)
    tell()
  }

  const tellOne = ({ realServer, report, flowsConfirmed, guest }: Told) => {
    const { key, service, vip, vm, rsPort, ingressPort, attachment } = realServer
    const subject = `${service}/${vm.name}:${rsPort}`
    once(flows, flowsConfirmed, key, () =>
      timeline.add('flows', subject, `confirmed on port ${attachment?.port}, ingress port ${ingressPort}`),
    )
    once(vips, guest?.vips.get(vip)?.state === 'set', key, () => timeline.add('vip', subject, `${vip} set in the VM`))
    const before = states.get(key)
    states.set(key, report)
    if (before?.state === report.state && before.reason === report.reason) return
    const state = report.reason === '' ? report.state : `${report.state}: ${report.reason}`
    timeline.add('real server', subject, state)
    const fields = { service, vm: vm.name, port: rsPort, state: report.state }
    if (report.state === 'down') log.warn(`real server down: ${report.reason}`, fields)
    else log.info(`real server ${state}`, fields)
  }

  return ({ changed, gone }) => {
    for (const told of changed) tellOne(told)
    for (const key of gone) {
      states.delete(key)
      flows.delete(key)
      vips.delete(key)
      timeline.add('real server', key, 'gone')
      log.info('real server gone', { key })
    }
  }
}
