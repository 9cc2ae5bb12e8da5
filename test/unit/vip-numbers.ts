import { openDatabase } from '../../shared/sqlite/open.ts'
import { openVipNumbers, VIP_NUMBERS, type VipNumbers } from '../../shared/sqlite/vip-numbers.ts'

/** Numbers of VIPs that are kept only as long as the test runs. */
export const vipNumbers = (): VipNumbers => openVipNumbers(openDatabase(':memory:', [VIP_NUMBERS]))
