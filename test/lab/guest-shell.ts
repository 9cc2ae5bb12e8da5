import net from 'node:net'

/** A command's result in a guest; standard output and standard error are merged. */
export interface GuestResult {
  readonly exitCode: number
  readonly output: string
}

/** The lab's own channel into a guest (scripts/guest/boot/lab-shell), which works whatever the guest agent does. */
export interface GuestShell {
  /** Rejects on a timeout, and when the connection to the guest's channel breaks. Default timeout 60 s. */
  run(command: string, timeoutMs?: number): Promise<GuestResult>
  close(): void
}

interface Waiting {
  readonly resolve: (result: GuestResult) => void
  readonly reject: (error: Error) => void
}

/** `socketPath` is QEMU's end of the channel. The first command opens the connection. */
export function makeGuestShell(name: string, socketPath: string): GuestShell {
  const waiting = new Map<string, Waiting>()
  let socket: net.Socket | undefined
  let serial = 0

  const open = (): net.Socket => {
    if (socket !== undefined && !socket.destroyed) return socket
    let rest = ''
    const opened = net.connect(socketPath)
    opened.setEncoding('latin1')
    opened.on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) answer(line)
    })
    opened.on('error', () => {})
    opened.on('close', () => {
      for (const [, { reject }] of waiting) reject(new Error(`${name}: the lab's channel to the guest was closed`))
      waiting.clear()
    })
    socket = opened
    return opened
  }

  const answer = (line: string) => {
    const [id, status, output] = line.split(' ')
    const request = waiting.get(id ?? '')
    if (request === undefined) return
    waiting.delete(id!)
    request.resolve({
      exitCode: Number(status),
      output: Buffer.from(output ?? '', 'base64')
        .toString()
        .trimEnd(),
    })
  }

  return {
    run: async (command, timeoutMs = 60_000) => {
      const id = `${process.pid}-${serial++}`
      const connection = open()
      connection.ref()
      let timer: NodeJS.Timeout | undefined
      try {
        return await new Promise<GuestResult>((resolve, reject) => {
          waiting.set(id, { resolve, reject })
          timer = setTimeout(
            () => reject(new Error(`${name}: no answer within ${timeoutMs} ms: ${command}`)),
            timeoutMs,
          )
          connection.write(`${id} ${Buffer.from(command).toString('base64')}\n`)
        })
      } finally {
        clearTimeout(timer)
        waiting.delete(id)
        if (waiting.size === 0) connection.unref()
      }
    },
    close: () => socket?.destroy(),
  }
}
