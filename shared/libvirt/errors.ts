import { CrossportError } from '../errors.ts'

/** The virErrorNumbers of libvirt/virterror.h that are handled here. */
export const NO_DOMAIN = 42
export const AGENT_UNRESPONSIVE = 86
export const AGENT_UNSYNCED = 97
export const OPERATION_INVALID = 55
export const ARGUMENT_UNSUPPORTED = 74
export const INTERNAL_ERROR = 1

/** The virErrorNumber of an error that libvirtd sent, undefined for any other error. */
export function libvirtCode(error: unknown): number | undefined {
  if (!(error instanceof CrossportError) || error.code !== 'LIBVIRT_ERROR') return undefined
  const code = error.fields.libvirtCode
  return typeof code === 'number' ? code : undefined
}
