import { existsSync, mkdirSync } from 'node:fs'
import { createServer } from 'node:net'
import test from 'ava'
import { runDirector } from '../../../director/run.ts'
import { quiet } from '../../../shared/log/quiet.ts'
import { directorConfig } from '../../segment/director.ts'
import { tempDir } from '../cleanup.ts'

test('a second director on one machine ends before it opens the state file', async t => {
  const dir = tempDir(t)
  mkdirSync(`${dir}/services.d`)
  const config = await directorConfig(dir, { ovsdbSocket: `${dir}/db.sock`, ovsRunDir: dir })
  const first = createServer().listen(config.controlSocket)
  t.teardown(() => first.close())
  await t.throwsAsync(runDirector(config, quiet), { code: 'RPC_LISTEN' })
  t.false(existsSync(config.stateFile))
})
