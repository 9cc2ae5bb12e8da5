import test from 'ava'
import { REAL } from './real.ts'
import { keepAndRemove } from './scenario.ts'

for (const real of REAL) if (real.dhcp !== true) test.serial(keepAndRemove, real)
