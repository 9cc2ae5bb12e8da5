import { hash } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { ROOT } from './root.ts'

/** The programs: each becomes one file, NAME/main.js. */
export const PROGRAMS = ['agent', 'director', 'cli'] as const

/** Folders of .proto files, which are read at run time. */
const PROTOS = ['proto', 'node_modules/grpc-health-check/proto', 'node_modules/@grpc/reflection/build/proto/grpc']

/** better-sqlite3 has an entry for each platform; its ordinary one looks for the native module at run time. */
const SQLITE = `better-sqlite3/linux-${process.arch}`
const KOFFI = `@koromix/koffi-linux-${process.arch}`

/**
 * Writes to `out` what the programs need beside Node: PROGRAM/main.js, the native modules, the .proto files, and package.json,
 * by which programs find these, and which says the version. Resolves with the folders of the npm packages that the programs
 * contain, relative to the checkout, sorted.
 */
export async function bundle(out: string, version: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: Object.fromEntries(PROGRAMS.map(name => [`${name}/main`, `${name}/main.ts`])),
    outdir: out,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    banner: { js: BANNER },
    alias: { 'better-sqlite3': SQLITE },
    loader: { '.node': 'copy' },
    assetNames: 'native/[name]',
    legalComments: 'none',
    logLevel: 'error',
    metafile: true,
    plugins: [lazyRequire, ownFolder, nativeKoffi],
  })
  for (const folder of PROTOS) cpSync(join(ROOT, folder), join(out, folder), { recursive: true })
  const programs = PROGRAMS.map(name => readFileSync(join(out, name, 'main.js')))
  const description = { name: 'crossport', version, type: 'module', program: hash('sha256', Buffer.concat(programs)) }
  writeFileSync(join(out, 'package.json'), `${JSON.stringify(description, null, 2)}\n`)
  return [...new Set(Object.keys(metafile.inputs).flatMap(packageOf))].sort()
}

/** For native modules and packages of CommonJS: the function that loads them, and the folder above the program's. */
const BANNER = `import { createRequire as __createRequire } from 'node:module';
import { dirname as __parent } from 'node:path';
const require = __createRequire(import.meta.url), __installation = __parent(import.meta.dirname);`

/** `createRequire(import.meta.url)('x')` loads x when it is first needed; so does `require('x')` in a bundle. */
const lazyRequire: Plugin = {
  name: 'lazy require',
  setup({ onLoad }) {
    onLoad({ filter: /\/shared\/.*\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8').replaceAll('createRequire(import.meta.url)(', 'require(')
      return { contents, loader: 'ts' }
    })
  },
}

/** Packages that look for files of their own find them where they are in a checkout, below the installation. */
const ownFolder: Plugin = {
  name: 'own folder',
  setup({ onLoad }) {
    onLoad({ filter: /\/node_modules\/.*\.c?js$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8')
      if (!/\b__(dirname|filename)\b/.test(text)) return undefined
      const place = (file: string) => `__installation + ${JSON.stringify(`/${relative(ROOT, file)}`)}`
      const names = `const __filename = ${place(path)}, __dirname = ${place(dirname(path))};`
      return { contents: `${names}\n${text}`, loader: 'js' }
    })
  },
}

/** koffi's package for the platform chooses its native module at run time, by the C library that Node uses. */
const nativeKoffi: Plugin = {
  name: 'native koffi',
  setup({ onResolve }) {
    onResolve({ filter: new RegExp(`^${KOFFI}$`) }, () => {
      return { path: join(ROOT, 'node_modules', KOFFI, `linux_${process.arch}/koffi.node`) }
    })
  },
}

/** The npm package that a file of the bundle comes from. */
function packageOf(file: string): string[] {
  const found = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]
  return found === undefined ? [] : [found]
}
