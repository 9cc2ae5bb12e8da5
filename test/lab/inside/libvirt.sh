#!/bin/sh
# Starts libvirtd in a host. $1: directory with libvirt's cached capabilities of QEMU, may be missing or empty.
# libvirt probes QEMU anew (8 s) when they do not match.
set -e
mkdir -p /etc/libvirt/qemu/networks /var/lib/libvirt/images /var/cache/libvirt/qemu/capabilities
cat >/etc/libvirt/qemu.conf <<'CONF'
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
remember_owner = 0
stdio_handler = "file"
CONF
: >/etc/libvirt/libvirtd.conf
for file in "$1"/*.xml; do
  if [ -e "$file" ]; then cp -p "$file" /var/cache/libvirt/qemu/capabilities/; fi
done
libvirtd -d
i=0
until [ -S /run/libvirt/libvirt-sock ]; do
  i=$((i + 1))
  [ $i -lt 300 ]
  sleep 0.1
done
virsh -q -c qemu:///system list >/dev/null
