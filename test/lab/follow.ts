import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'

/**
 * The first matching line of a growing file. Rejects with the file's last lines when `ended` settles first, or after `timeoutMs`.
 */
export async function waitForLine(
  file: string,
  pattern: RegExp,
  { timeoutMs, ended }: { timeoutMs: number; ended: Promise<unknown> },
): Promise<string> {
  const find = async () => (await readFile(file, 'utf8')).split('\n').find(line => pattern.test(line))
  const watcher = watch(file)
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<string>((resolve, reject) => {
      const look = () => find().then(line => line !== undefined && resolve(line), reject)
      const giveUp = async (why: string) => {
        // A process that ends long after the line was found may remove its file.
        if (timer === undefined) return
        const line = await find()
        if (line !== undefined) return resolve(line)
        const tail = (await readFile(file, 'utf8')).trimEnd().split('\n').slice(-15).join('\n')
        reject(new Error(`${file}: no line matches ${pattern}: ${why}\n${tail}`))
      }
      watcher.on('change', look)
      timer = setTimeout(() => giveUp(`not within ${timeoutMs} ms`).catch(reject), timeoutMs)
      ended.then(
        () => giveUp('the process has ended').catch(reject),
        error => giveUp(String(error)).catch(reject),
      )
      look()
    })
  } finally {
    clearTimeout(timer)
    timer = undefined
    watcher.close()
  }
}
