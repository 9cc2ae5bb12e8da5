import { statSync } from 'node:fs'
import path from 'node:path'

const size = file => statSync(file).size

export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  workerThreads: false,
  timeout: '5m',
  // Several files run at once: a long one should not be the last.
  sortTestFiles: (one, other) => size(other) - size(one),
  // Hundreds of Node processes are started, most of them with the same modules.
  environmentVariables: { NODE_COMPILE_CACHE: path.join(import.meta.dirname, 'build/compile-cache') },
}
