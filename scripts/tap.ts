/** Counts a TAP stream (testanything.org, version 13) and makes it readable. */
export interface TapCounter {
  /** Takes a line; gives back what to print for it, if anything. */
  line(line: string): string | undefined
  counts(): { passed: number; failed: number }
}

/** Skipped and todo tests count as neither. Explanations (YAML blocks) and comments of tests are passed on. */
export function makeTapCounter(): TapCounter {
  let passed = 0
  let failed = 0
  return {
    line: line => {
      const match = /^(not ok|ok) \d+ (?:- )?(.*?)(?: # (SKIP|TODO)\b.*)?$/i.exec(line)
      if (match !== null) {
        const [, result, title, directive] = match
        if (directive !== undefined) return `- ${title} (${directive.toLowerCase()})`
        if (result === 'ok') passed++
        else failed++
        return `${result === 'ok' ? '✔' : '✘'} ${title}`
      }
      // Plan, version and closing totals say nothing that the counts do not say.
      if (/^(TAP version|\d+\.\.\d+|# (tests|pass|fail|skip|todo) \d+)/.test(line) || line.trim() === '')
        return undefined
      return line.startsWith('# ') ? undefined : line
    },
    counts: () => ({ passed, failed }),
  }
}
