import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { serviceSchema } from '../shared/config/schema.ts'
import { ERRORS } from '../shared/errors.ts'

/** The documents that are made from the code, by name. `node docs/generate.ts` writes them; a test holds them up to date. */
export function generated(): Readonly<Record<string, string>> {
  return { 'errors.md': errorsPage(), 'service.schema.json': serviceJsonSchema() }
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { hint, messageId }]) => `| \`${code}\` | ${cell(hint)} | \`${messageId}\` |`)
  return `# Errors

Made by \`node docs/generate.ts\` from the catalogue in \`shared/errors.ts\`; do not edit.

The code is in the journal as \`CROSSPORT_CODE\`, and in \`crossport status --json\`. Codes and message ids are stable.
To find every occurrence of one: \`journalctl MESSAGE_ID=…\`, or \`journalctl CROSSPORT_CODE=SPEC_INVALID\`.

| code | how to mend it | MESSAGE_ID |
| --- | --- | --- |
${rows.join('\n')}
`
}

/** For editors; cross-checks (host bits of a CIDR block, conflicts between services) are \`crossport check\`'s. */
function serviceJsonSchema(): string {
  const schema = z.toJSONSchema(serviceSchema, { io: 'input', target: 'draft-7' })
  const text = JSON.stringify({ title: 'crossport service file', ...schema }, null, 2)
  // As the formatter wants it: short lists on one line.
  return `${text.replace(/\[[^[\]{}]*\]/g, list => list.replace(/\s+/g, ' ').replace('[ ', '[').replace(' ]', ']'))}\n`
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

if (import.meta.main) {
  for (const [name, text] of Object.entries(generated())) writeFileSync(new URL(name, import.meta.url), text)
}
