/** A decoder with a fault that a fuzzer finds only by its progress in coverage. */
export function climb(text: string): void {
  let step = 0
  if (text[0] === 'F') {
    step++
    if (text[1] === 'U') {
      step++
      if (text[2] === 'Z') {
        step++
        if (text[3] === 'Z') throw new TypeError(`the top, after ${step} steps`)
      }
    }
  }
}
