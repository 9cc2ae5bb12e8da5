/** The director's stations (stations.ts). The plan is above the compiler, because it makes the compiler's input. */
export const DIRECTOR: readonly (readonly string[])[] = [
  ['authority', 'config.ts', 'pki', 'version.ts'],
  ['intake', 'commands'],
  ['registry', 'joining'],
  ['store', 'schedule'],
  ['compile'],
  ['plan', 'apply', 'accounting', 'packets'],
  ['connections'],
  ['balance'],
  ['outlets', 'offer', 'status'],
  ['numbers', 'companions.ts'],
  ['cells.ts'],
  ['pass.ts', 'loop.ts'],
  ['house.ts'],
  ['parts'],
  ['run.ts'],
  ['main.ts'],
]
