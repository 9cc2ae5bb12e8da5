import { styleText } from 'node:util'

/** Lines for a terminal. Every claim of the demo goes through `check`. */
export interface Printer {
  title(text: string): void
  step(text: string): void
  line(text?: string): void
  table(rows: readonly (readonly string[])[]): void
  /** Prints a claim and whether it holds. */
  check(what: string, ok: boolean, detail?: string): void
  readonly failures: readonly string[]
  /** Seconds since the demo began. */
  elapsed(): string
}

export function createPrinter(write: (text: string) => void): Printer {
  const start = performance.now()
  const failures: string[] = []
  const elapsed = () => `${((performance.now() - start) / 1000).toFixed(1)} s`
  return {
    title: text => write(`\n${styleText('bold', text)}\n`),
    step: text => write(`  ${styleText('dim', elapsed().padStart(7))}  ${text}\n`),
    line: (text = '') => write(`  ${text}\n`),
    table: rows => {
      const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
      for (const [n, row] of rows.entries()) {
        const text = row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()
        write(`  ${n === 0 ? styleText('underline', text) : text}\n`)
      }
    },
    check: (what, ok, detail = '') => {
      if (!ok) failures.push(what)
      const mark = ok ? styleText('green', 'ok') : styleText('red', 'NOT OK')
      write(`  ${mark}  ${what}${detail === '' ? '' : `: ${detail}`}\n`)
    },
    failures,
    elapsed,
  }
}
