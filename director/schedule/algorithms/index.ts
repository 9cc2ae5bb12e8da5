import type { Algorithm, Shared } from '../types.ts'
import { lc } from './lc.ts'
import { nq } from './nq.ts'
import { rr } from './rr.ts'
import { sed } from './sed.ts'
import { wlc } from './wlc.ts'
import { wrr } from './wrr.ts'

/** The algorithms that work by weight, under their names in ipvsadm(8). hashed.ts has those that hash. */
export const algorithms: Readonly<Record<Shared, Algorithm>> = { rr, wrr, lc, wlc, sed, nq }
