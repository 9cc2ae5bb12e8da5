/** 64 bits that stand for a text, as a short text: two FNV-1a hashes of 32 bits that start apart, each mixed at the end. */
export function digest(text: string): string {
  let a = 0x811c9dc5
  let b = 0x2f0b4a87
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    a = Math.imul(a ^ code, 0x01000193)
    b = Math.imul(b ^ code, 0x5bd1e995)
    b ^= b >>> 15
  }
  return mixed(a ^ text.length).toString(36) + mixed(b).toString(36)
}

function mixed(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
