import type { Lab } from '../lab/lab.ts'

// Shell commands that break a machine of the lab, and mend it.

const RUN = '/run/openvswitch'
const LOG = '/var/log/openvswitch'
/** Until it is gone: its successor would find its lock. */
const killed = (pidfile: string) => `p=$(cat ${pidfile}); kill -9 $p; while kill -0 $p 2>/dev/null; do :; done`

export const KILL = {
  vswitchd: killed(`${RUN}/ovs-vswitchd.pid`),
  ovsdb: killed(`${RUN}/ovsdb-server.pid`),
  libvirtd: `${killed('/run/libvirtd.pid')}; rm -f /run/libvirt/libvirt-sock`,
} as const

export const START = {
  vswitchd: `ovs-vswitchd --pidfile --detach --no-chdir --log-file=${LOG}/ovs-vswitchd.log 2>/dev/null`,
  ovsdb: `ovsdb-server /etc/openvswitch/conf.db --remote=punix:${RUN}/db.sock --pidfile --detach --no-chdir --log-file=${LOG}/ovsdb-server.log 2>/dev/null`,
  libvirtd: 'libvirtd -d',
} as const

/** The bridge's own device, and with it the host's address, goes with ovs-vswitchd. */
export function addressBack(lab: Lab, place: string): string {
  const { ip } = lab.plan.hosts.find(({ name }) => name === place)!
  return `until ip link set br0 up 2>/dev/null; do sleep 0.05; done; ip address replace ${ip}/24 dev br0`
}

/** In a guest: a signal to its web servers, and not to the shell whose command line this is. */
export const webServers = (signal: string) =>
  `for p in /proc/[0-9]*; do if tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'http[d] .*-p 808'; then kill -${signal} \${p#/proc/}; fi; done`
