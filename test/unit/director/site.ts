import type { Site } from '../../../director/compile/types.ts'

/** A director's place on a segment, on a bridge that no agent shares. */
export const SITE: Site = {
  directorMac: '02:00:00:00:01:00',
  recallMac: '0a:00:00:00:01:00',
  uplink: 1,
  ownMacs: [],
  accessPorts: [],
  fabric: 'l2',
  accounting: true,
}
