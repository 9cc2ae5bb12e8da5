import { execFile } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test from 'ava'
import { WRITE } from '../../../agent/guest/files.ts'
import { guestImage } from '../../lab/paths.ts'

/** The guest's own shell runs this, so real shells do here. */
const SHELLS: readonly (readonly string[])[] = [['sh'], [path.join(guestImage, 'busybox'), 'sh']]

function write(shell: readonly string[], folder: string, text: string, mode: string): Promise<number> {
  const [program = '', ...applet] = shell
  const owner = `${process.getuid?.()}:${process.getgid?.()}`
  const args = [...applet, '-c', WRITE, 'sh', `${folder}/file`, `${folder}/.file.new`, mode, owner]
  return new Promise(resolve => {
    const child = execFile(program, args, error => resolve(error === null ? 0 : 1))
    // A shell that refuses does not read.
    child.stdin?.on('error', () => {}).end(text)
  })
}

for (const shell of SHELLS.filter(([program = '']) => !program.includes('/') || existsSync(program)))
  test(`a file is written whole, with its mode, by ${path.basename(shell[0] ?? '')}`, async t => {
    const folder = mkdtempSync(path.join(tmpdir(), 'crossport-write-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const file = `${folder}/file`
    t.is(await write(shell, folder, 'one\n', '640'), 0)
    t.is(statSync(file).mode & 0o777, 0o640)
    chmodSync(file, 0o666)
    // What an interrupted attempt has left behind, and what somebody might have put there.
    writeFileSync(`${folder}/elsewhere`, 'untouched')
    symlinkSync(`${folder}/elsewhere`, `${folder}/.file.new`)
    t.is(await write(shell, folder, 'two\n', '755'), 0)
    t.is(readFileSync(file, 'utf8'), 'two\n')
    t.is(statSync(file).mode & 0o777, 0o755)
    t.is(readFileSync(`${folder}/elsewhere`, 'utf8'), 'untouched')
    t.deepEqual(readdirSync(folder).sort(), ['elsewhere', 'file'])
    t.is(await write(shell, `${folder}/none`, 'three\n', '644'), 1)

    // A link in the file's own place gives way to the file, and one to a folder does not lead into it.
    rmSync(file)
    symlinkSync(`${folder}/elsewhere`, file)
    t.is(await write(shell, folder, 'four\n', '644'), 0)
    t.true(lstatSync(file).isFile())
    t.is(readFileSync(`${folder}/elsewhere`, 'utf8'), 'untouched')
    rmSync(file)
    mkdirSync(`${folder}/inner`)
    symlinkSync(`${folder}/inner`, file)
    t.is(await write(shell, folder, 'five\n', '644'), 1)
    t.deepEqual(readdirSync(`${folder}/inner`), [])
    t.deepEqual(readdirSync(folder).sort(), ['elsewhere', 'file', 'inner'])
  })
