/** Most characters of a peer's text that are shown or kept. */
const MOST = 1000

/** Text of any JSON that a peer sent where text was expected. Its own `toString` is data, and is never called. */
export function textOf(json: unknown): string {
  return (typeof json === 'string' ? json : (JSON.stringify(json) ?? '')).slice(0, MOST)
}
