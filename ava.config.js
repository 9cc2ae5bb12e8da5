import path from 'node:path'

export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  workerThreads: false,
  timeout: '5m',
  // Hundreds of Node processes are started, most of them with the same modules.
  environmentVariables: { NODE_COMPILE_CACHE: path.join(import.meta.dirname, 'build/compile-cache') },
}
