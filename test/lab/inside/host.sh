#!/bin/sh
# Process 1 of a host: PID, network, mount and UTS namespaces, and a private /run, /etc, /var/lib, /var/log, so that
# every daemon uses its usual paths. $1: host name. On standard output: its process id as the owner sees it.
read -r pid _ </proc/self/stat
set -e
hostname "$1"
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 run /run
private() { # the machine's files are seen, changes stay here
  layer=/run/.layer$(echo "$1" | tr / -)
  mkdir -p "$layer/upper" "$layer/work"
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$layer/upper,workdir=$layer/work" "$1"
}
empty() { mkdir -p "$1"; mount -t tmpfs -o mode=755 empty "$1"; }
private /etc
private /var/lib
private /var/cache
empty /var/log
for dir in /etc/openvswitch /etc/libvirt /etc/crossport /var/lib/openvswitch /var/lib/libvirt /var/lib/crossport \
  /var/cache/libvirt; do
  empty "$dir"
done
mkdir -p /run/lock /run/openvswitch /run/crossport /etc/crossport/services.d /var/log/openvswitch /var/log/libvirt/qemu
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip link set lo up
echo "$pid"
exec >/dev/null 2>&1 </dev/null
# `wait` reaps orphaned processes.
while :; do
  sleep 86400 &
  wait $!
done
