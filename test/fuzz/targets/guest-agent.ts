import * as replies from '../../../agent/guest/replies.ts'
import { replyOf } from '../../../shared/libvirt/agent.ts'
import type { Target } from '../engine.ts'

const address = { 'ip-address': '10.10.1.21', 'ip-address-type': 'ipv4', prefix: 24 }
const nic = { name: 'eth0', 'hardware-address': '52:54:00:00:00:01', 'ip-addresses': [address] }
const base64 = Buffer.from('inet 10.10.1.21/24').toString('base64')

const { checked, ...schemas } = replies
const SCHEMAS = Object.values(schemas)

/** Replies of qemu-ga, as libvirt passes them on. */
export const guestAgent: Target = {
  name: 'guest-agent',
  seeds: [
    { version: '7.2.0', supported_commands: [{ name: 'guest-exec', enabled: true }] },
    [nic, { name: 'lo' }],
    { pid: 17 },
    { exited: true, exitcode: 0, 'out-data': base64, 'err-data': base64 },
    { exited: false },
    3,
    { count: 18, 'buf-b64': base64, eof: true },
    'thawed',
    {},
  ].map(reply => Buffer.from(JSON.stringify({ return: reply }))),
  refuses: ['GUEST_REPLY_INVALID'],
  run: input => {
    const reply = replyOf(input.toString('utf8'))
    for (const schema of SCHEMAS)
      try {
        checked(schema as typeof replies.anyReply, 'guest-exec', reply)
      } catch (error) {
        if ((error as { code?: string }).code !== 'GUEST_REPLY_INVALID') throw error
      }
  },
}
