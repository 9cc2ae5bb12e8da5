/** One measured figure. Prefer ratios against another program in the same run: absolute times tell of the machine. */
export interface Figure {
  readonly name: string
  readonly value: number
  /** 'ms', 'flows', '×' (a ratio), … */
  readonly unit: string
  readonly goal?: Goal
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number }

export type Report = (figure: Figure) => void

/** A file in bench/suites/ with this as its default export is found by itself; it is named like the file. */
export interface Suite {
  readonly name: string
  /** One line: what is measured against what. */
  readonly about: string
  /** `cleanup` is disposed when the suite ends, throws or is interrupted. */
  run(report: Report, cleanup: AsyncDisposableStack): Promise<void>
}
