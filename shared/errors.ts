/**
 * The catalogue of everything that can go wrong, as data. `code` is stable: programs may match on it, and
 * docs/errors.md is made from this table. `messageId` is the journal's MESSAGE_ID (journalctl MESSAGE_ID=…), made once
 * by `systemd-id128 new`.
 */
export const ERRORS = {
  CONFIG_INVALID: { messageId: '5c1f0f0a3e6b4c0e9a4b3a0f6f1d2b01', hint: 'correct the configuration file and restart' },
  SPEC_INVALID: { messageId: '5c1f0f0a3e6b4c0e9a4b3a0f6f1d2b02', hint: 'correct the service file; it is read again when it is saved' },
} as const satisfies Record<string, { messageId: string; hint: string }>

export type ErrorCode = keyof typeof ERRORS

/** The one error class: a stable code, fields for the journal, and the cause. */
export class CrossportError extends Error {
  readonly code: ErrorCode
  readonly fields: Readonly<Record<string, string | number>>

  constructor(code: ErrorCode, message: string, options: { fields?: Record<string, string | number>; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CrossportError'
    this.code = code
    this.fields = options.fields ?? {}
  }
}
