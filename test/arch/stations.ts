/**
 * The stations of each daemon, lowest first. A station is a folder right under the daemon's own, with all that is in it, or a
 * file right under it. It imports only what is in lower rows, nothing of its own row.
 */
export const STATIONS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  agent: [
    ['config', 'inventory', 'ports'],
    ['store'],
    ['real-servers', 'probe-port'],
    ['compile'],
    ['apply', 'guest'],
    ['health'],
    ['report'],
    ['host.ts', 'inputs.ts', 'outcome.ts'],
    ['cells.ts'],
    ['overlay.ts', 'icmp-errors.ts'],
    ['stations'],
    ['pass.ts', 'outlets'],
    ['reconcile.ts'],
    ['house.ts'],
    ['control.ts'],
    ['parts'],
    ['run.ts'],
    ['main.ts'],
  ],
}
