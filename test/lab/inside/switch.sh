#!/bin/sh
# Starts Open vSwitch in a place and gives it the bridge br0. $1: uplink, may be empty, $2: hardware address of br0,
# $3: address/prefix of br0, may be missing. $4: hardware address of a second bridge, br-phy, which then gets uplink and
# address instead: the underlay of an overlay. CROSSPORT_DATAPATH: the bridges' datapath type, netdev unless it is set.
set -e
datapath=${CROSSPORT_DATAPATH:-netdev}
db=/etc/openvswitch/conf.db
[ -e "$db" ] || ovsdb-tool create "$db" /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server "$db" --remote=punix:/run/openvswitch/db.sock --pidfile --detach --no-chdir \
  --log-file=/var/log/openvswitch/ovsdb-server.log 2>/dev/null
ovs-vsctl --no-wait init
ovs-vswitchd --pidfile --detach --no-chdir --log-file=/var/log/openvswitch/ovs-vswitchd.log 2>/dev/null
ovs-vsctl --may-exist add-br br0 -- set bridge br0 "datapath_type=$datapath" "other_config:hwaddr=\"$2\"" \
  protocols=OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15
under=br0
if [ -n "$4" ]; then
  under=br-phy
  ovs-vsctl --may-exist add-br $under -- set bridge $under "datapath_type=$datapath" "other_config:hwaddr=\"$4\""
  ip link set $under up
fi
[ -z "$1" ] || ovs-vsctl --may-exist add-port $under "$1"
# The kernel has an address on the bridge; it must not answer ARP for it on the ports below, too.
sysctl -qw net.ipv4.conf.all.arp_ignore=1
[ -z "$3" ] || ip address replace "$3" dev $under
ip link set br0 up
[ "$datapath" = netdev ] || exit 0
# The kernel also gets the packets that a userspace datapath receives, and would answer for the host's own addresses on
# ports of the bridge. So it may only get packets from the bridge itself.
nft -f - <<'NFT'
table ip bridged {
  chain stack {
    type filter hook prerouting priority -300
    iifname "uplink0" drop
    iifname "vnet*" drop
    iifname "v5254*" drop
  }
}
table arp bridged {
  chain stack {
    type filter hook input priority 0
    iifname "uplink0" drop
    iifname "vnet*" drop
    iifname "v5254*" drop
  }
}
NFT
