import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'

/**
 * The first line of a growing file that matches. Rejects with the file's last lines when `ended` settles before, or
 * after `timeoutMs`.
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
        const line = await find()
        if (line !== undefined) return resolve(line)
        const tail = (await readFile(file, 'utf8')).trimEnd().split('\n').slice(-15).join('\n')
        reject(new Error(`${file}: no line matches ${pattern}: ${why}\n${tail}`))
      }
      watcher.on('change', look)
      ended.then(
        () => giveUp('the process has ended'),
        error => giveUp(String(error)),
      )
      timer = setTimeout(() => giveUp(`not within ${timeoutMs} ms`), timeoutMs)
      look()
    })
  } finally {
    clearTimeout(timer)
    watcher.close()
  }
}
