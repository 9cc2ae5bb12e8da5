import type { Algorithms } from '../types.ts'
import { rr } from './rr.ts'
import { wrr } from './wrr.ts'

/** The algorithms by the names of ipvsadm(8). Those without a file of their own share out by weight. */
export const algorithms: Algorithms = {
  rr,
  wrr,
  lc: wrr,
  wlc: wrr,
  sed: wrr,
  nq: wrr,
  sh: wrr,
  dh: wrr,
  mh: wrr,
}
