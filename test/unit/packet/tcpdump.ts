import { execa } from 'execa'

/** tcpdump's text for these frames, with addresses and checksums. */
export async function tcpdump(frames: readonly Uint8Array[]): Promise<string> {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(65_535, 16)
  header.writeUInt32LE(1, 20)
  const packets = frames.flatMap(frame => {
    const length = Buffer.alloc(16)
    length.writeUInt32LE(frame.length, 8)
    length.writeUInt32LE(frame.length, 12)
    return [length, frame]
  })
  const { stdout } = await execa('tcpdump', ['-nevv', '-r', '-'], { input: Buffer.concat([header, ...packets]) })
  return stdout.replace(/\n\s+(?!\S+ > )/g, ' ')
}
