/** As much of a peer's words as is shown or kept. */
const MOST = 1000

/** JSON that a peer sent where text was expected, as text. Its own `toString` is data, and never called. */
export function textOf(json: unknown): string {
  return (typeof json === 'string' ? json : (JSON.stringify(json) ?? '')).slice(0, MOST)
}
