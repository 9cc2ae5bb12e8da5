import type { Figure, Goal } from './types.ts'

/** Undefined: there is no goal. A value that is not a number misses every goal. */
export function isMet({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast
}

/** One JSON object per line: suite, name, value, unit, goal ('≤ 1', null), met (null where there is no goal). */
export function jsonLine(suite: string, figure: Figure): string {
  const { name, value, unit, goal } = figure
  return JSON.stringify({
    suite,
    name,
    value: Number(value.toPrecision(6)),
    unit,
    goal: goalText(goal) ?? null,
    met: isMet(figure) ?? null,
  })
}

const HEADINGS = ['figure', 'value', 'unit', 'goal', 'met'] as const

/** The figures of one suite as aligned columns. */
export function table(figures: readonly Figure[]): string {
  const rows = [
    HEADINGS,
    ...figures.map(figure => [
      figure.name,
      numberText(figure.value),
      figure.unit,
      goalText(figure.goal) ?? '–',
      { true: 'yes', false: 'NO', undefined: '–' }[`${isMet(figure)}`],
    ]),
  ]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  return rows
    .map(row =>
      row
        .map((cell, i) => (i === 1 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function goalText(goal: Goal | undefined): string | undefined {
  if (goal === undefined) return undefined
  return 'atMost' in goal ? `≤ ${numberText(goal.atMost)}` : `≥ ${numberText(goal.atLeast)}`
}

/** Three significant digits; whole numbers from 100 on. */
function numberText(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
