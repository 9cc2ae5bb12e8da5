import type { Target } from '../engine.ts'
import { guestAgent } from './guest-agent.ts'
import { ipfix } from './ipfix.ts'
import { libvirt } from './libvirt.ts'
import { openflow } from './openflow.ts'
import { ovsdb } from './ovsdb.ts'
import { packets } from './packets.ts'
import { registration } from './registration.ts'
import { serviceFiles } from './service-files.ts'

export const TARGETS: readonly Target[] = [
  openflow,
  ovsdb,
  libvirt,
  guestAgent,
  ipfix,
  packets,
  serviceFiles,
  registration,
]
