/** Smaller chunks are joined: each chunk costs a hundred bytes of memory, and a peer may send a message byte by byte. */
const SMALL = 4096

/** Appends a chunk to the chunks of an unfinished message. The chunk must not be changed afterwards. */
export function keepChunk(chunks: Uint8Array[], chunk: Uint8Array): void {
  const last = chunks.at(-1)
  if (last !== undefined && last.length + chunk.length <= SMALL)
    chunks[chunks.length - 1] = Buffer.concat([last, chunk])
  else chunks.push(chunk)
}
