import { createRequire } from 'node:module'

/** The two functions of libsystemd that Node cannot replace, because it has no AF_UNIX datagrams. */
export interface Libsystemd {
  /** sd_journal_sendv(3): `FIELD=value` byte strings. Returns 0 or a negative errno. */
  journalSend(fields: readonly Buffer[]): number
  /** sd_notify(3): newline-separated assignments. Positive: sent; 0: no NOTIFY_SOCKET; negative: errno. */
  notify(state: string): number
}

/**
 * libsystemd.so.0, or the error that keeps it from being loaded. Loaded at the first call only, because the command line does not
 * need it.
 */
export function loadLibsystemd(): Libsystemd | Error {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    const library = koffi.load('libsystemd.so.0')
    // struct iovec of readv(2); without a name, because koffi's named types are global to the process.
    const iovec = koffi.struct({ base: 'void *', length: 'size_t' })
    const sendv = library.func('sd_journal_sendv', 'int', [koffi.pointer(iovec), 'int'])
    const notify = library.func('sd_notify', 'int', ['int', 'str'])
    return {
      journalSend: fields =>
        sendv(
          fields.map(field => ({ base: field, length: field.length })),
          fields.length,
        ),
      notify: state => notify(0, state),
    }
  } catch (cause) {
    return cause instanceof Error ? cause : new Error(String(cause))
  }
}
