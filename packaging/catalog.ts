import { ERRORS } from '../shared/errors.ts'

/**
 * The message catalogue (systemd's catalog format, systemd.io/CATALOG), from which `journalctl -x` explains each MESSAGE_ID of the
 * daemons. Each of these entries has the field CROSSPORT_ERROR, which stands for itself in the text.
 */
export function messageCatalog(): string {
  return Object.entries(ERRORS)
    .map(
      ([code, { messageId, hint }]) => `-- ${messageId}
Subject: ${code}
Defined-By: crossport
Support: file:///usr/share/doc/crossport/errors.md

@CROSSPORT_ERROR@

What to do: ${hint.replaceAll('@', '(at)')}.
`,
    )
    .join('\n')
}
