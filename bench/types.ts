/** One measured figure. Prefer ratios against another program in the same run, because absolute times depend on the machine. */
export interface Figure {
  readonly name: string
  readonly value: number
  /** 'ms', 'flows', '×' (a ratio), … */
  readonly unit: string
  readonly goal?: Goal
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number }

export type Report = (figure: Figure) => void

/** A suite: the default export of a file in bench/suites/, named like the file. */
export interface Suite {
  readonly name: string
  /** One line: what is compared with what. */
  readonly about: string
  /** `cleanup` is disposed when the suite ends, throws or is interrupted. */
  run(report: Report, cleanup: AsyncDisposableStack): Promise<void>
}
