import { type DomainRef, domainRef, QEMU_PROGRAM, REMOTE_PROGRAM, text } from './message.ts'
import { array, type Codec, hex, int, nothing, optional, struct, uint } from './xdr.ts'

/**
 * The calls in use, one line each: number, arguments, result. Source: libvirt's src/remote/remote_protocol.x and qemu_protocol.x;
 * libvirt never reuses a number.
 */
interface Procedure<A, R> {
  readonly program: number
  readonly number: number
  readonly args: Codec<A>
  readonly result: Codec<R>
}

function remote<A extends object | undefined, R>(number: number, args: Codec<A>, result: Codec<R>): Procedure<A, R> {
  return { program: REMOTE_PROGRAM, number, args, result }
}

const none: Codec<object> = { read: () => ({}), write: () => {} }
const dom = struct<{ dom: DomainRef }>({ dom: domainRef })
const domFlags = struct<{ dom: DomainRef; flags: number }>({ dom: domainRef, flags: uint })
/** REMOTE_DOMAIN_LIST_MAX, REMOTE_AUTH_TYPE_LIST_MAX */
const domains = array(domainRef, 16384)
const authTypes = array(int, 20)

// biome-ignore format: a table
export const PROCEDURES = {
  connectOpen: remote(1, struct<{ name: string | undefined; flags: number }>({ name: optional(text), flags: uint }), nothing),
  connectClose: remote(2, none, nothing),
  domainCreate: remote(9, dom, nothing),
  domainDestroy: remote(12, dom, nothing),
  domainGetXml: remote(14, domFlags, struct<{ xml: string }>({ xml: text })),
  domainLookupByName: remote(23, struct<{ name: string }>({ name: text }), dom),
  domainLookupByUuid: remote(24, struct<{ uuid: string }>({ uuid: hex(16) }), dom),
  connectSupportsFeature: remote(60, struct<{ feature: number }>({ feature: int }), struct<{ supported: number }>({ supported: int })),
  authList: remote(66, none, struct<{ types: readonly number[] }>({ types: authTypes })),
  authPolkit: remote(70, none, struct<{ complete: number }>({ complete: int })),
  domainGetState: remote(212, domFlags, struct<{ state: number; reason: number }>({ state: int, reason: int })),
  connectListAllDomains: remote(273, struct<{ needResults: number; flags: number }>({ needResults: int, flags: uint }), struct<{ domains: readonly DomainRef[]; count: number }>({ domains, count: uint })),
  domainEventRegister: remote(316, struct<{ eventId: number; dom: DomainRef | undefined }>({ eventId: int, dom: optional(domainRef) }), struct<{ callbackId: number }>({ callbackId: int })),
  domainEventDeregister: remote(317, struct<{ callbackId: number }>({ callbackId: int }), nothing),
  domainAgentSetTimeout: remote(420, struct<{ dom: DomainRef; timeoutS: number; flags: number }>({ dom: domainRef, timeoutS: int, flags: uint }), struct<{ result: number }>({ result: int })),
  domainAgentCommand: { program: QEMU_PROGRAM, number: 3, args: struct<{ dom: DomainRef; command: string; timeoutS: number; flags: number }>({ dom: domainRef, command: text, timeoutS: int, flags: uint }), result: struct<{ result: string | undefined }>({ result: optional(text) }) },
} as const

export type ProcedureName = keyof typeof PROCEDURES
export type Args<P extends ProcedureName> = (typeof PROCEDURES)[P]['args'] extends Codec<infer A> ? A : never
export type Result<P extends ProcedureName> = (typeof PROCEDURES)[P]['result'] extends Codec<infer R> ? R : never

/** virDrvFeature of libvirt's src/libvirt_internal.h. */
export const FEATURE_PROGRAM_KEEPALIVE = 10
/** remote_auth_type */
export const AUTH_NONE = 0
export const AUTH_POLKIT = 2
