/** Smaller chunks are joined: each has a hundred bytes around it, and a peer may send them byte by byte. */
const SMALL = 4096

/** Adds what has come of an unfinished message to what there is of it. The chunk may not be changed afterwards. */
export function keepChunk(chunks: Uint8Array[], chunk: Uint8Array): void {
  const last = chunks.at(-1)
  if (last !== undefined && last.length + chunk.length <= SMALL)
    chunks[chunks.length - 1] = Buffer.concat([last, chunk])
  else chunks.push(chunk)
}
