/** Rows as aligned columns, two spaces apart; no trailing blanks. Control characters are shown as `?`. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a VM's name must not steer the terminal
  const clean = [header, ...rows].map(row => row.map(cell => cell.replace(/[\x00-\x1f\x7f-\x9f]/g, '?') || '-'))
  const widths = header.map((_, column) => Math.max(...clean.map(row => (row[column] ?? '').length)))
  return clean
    .map(row =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map(line => `${line}\n`)
    .join('')
}
