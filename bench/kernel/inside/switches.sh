# Two switches with the kernel's datapath, as Debian has them: the director's, and that of the hypervisor before the VMs.

start() { # NAMESPACE HARDWARE-ADDRESS
  mkdir -p /run/ovs/$1
  sw $1 ovsdb-tool create /run/ovs/$1/conf.db /usr/share/openvswitch/vswitch.ovsschema
  sw $1 ip netns exec $1 ovsdb-server /run/ovs/$1/conf.db --remote=punix:/run/ovs/$1/db.sock --pidfile --detach --no-chdir \
    --log-file=/run/ovs/$1/ovsdb.log 2>/dev/null
  sw $1 ovs-vsctl --no-wait init
  sw $1 ip netns exec $1 ovs-vswitchd unix:/run/ovs/$1/db.sock --pidfile --detach --no-chdir \
    --log-file=/run/ovs/$1/vswitchd.log 2>/dev/null
  sw $1 ovs-vsctl add-br br0 -- set bridge br0 datapath_type=system fail_mode=secure protocols=OpenFlow10,OpenFlow15 \
    "other_config:hwaddr=\"$2\"" -- add-port br0 eth0 -- set interface eth0 ofport_request=1
}
# vswitchd 3.1 finds no processors in the machine's first ten seconds, and then starts no handlers.
while [ "$(cut -d. -f1 /proc/uptime)" -lt 11 ]; do sleep 0.5; done
start director $director_mac
start host $host_mac
for n in $vms; do sw host ovs-vsctl add-port br0 vnet$n -- set interface vnet$n ofport_request=1$n; done
for n in $vms; do sw host ovs-appctl -t ovs-vswitchd fdb/add br0 vnet$n 0 52:54:00:00:00:0$n >/dev/null; done
for last in 10 63 64 65; do sw host ovs-appctl -t ovs-vswitchd fdb/add br0 eth0 0 02:00:00:00:00:$last >/dev/null; done

# fill BRIDGE [-many]: adds the flows of crossport's daemons to those that are there.
fill() {
  of $1 del-flows br0
  of $1 del-groups br0
  local from=$in/$1${2:-}
  if [ -s $from.groups ]; then of $1 add-groups br0 $from.groups || exit 1; fi
  { cat $from.flows; other_$1; } | of $1 --bundle add-flows br0 - || exit 1
}
# The static flow: the least that a switch can do for a request and its reply.
other_director() {
  echo 'priority=0 actions=NORMAL'
  echo "priority=60000,tcp,dl_dst=$director_mac,nw_dst=$vip_static,tp_dst=80 actions=set_field:8080->tcp_dst,$to_host"
  echo "priority=60000,udp,dl_dst=$director_mac,nw_dst=$vip_static,tp_dst=5353 actions=$to_host"
}
to_host="set_field:$director_mac->eth_src,set_field:$host_mac->eth_dst,in_port"
other_host() {
  local to_vm='set_field:52:54:00:00:00:01->eth_dst,output:11'
  echo 'priority=0 actions=NORMAL'
  echo "priority=60000,tcp,dl_dst=$host_mac,nw_dst=$vip_static,tp_dst=8080 actions=$to_vm"
  echo "priority=60000,udp,dl_dst=$host_mac,nw_dst=$vip_static,tp_dst=5353 actions=$to_vm"
  echo "priority=60000,tcp,in_port=11,nw_src=$vip_static,tp_src=8080" \
    "actions=set_field:80->tcp_src,set_field:$host_mac->eth_src,output:1"
}
fill host
while read -r meter; do of director add-meter br0 $meter || exit 1; done <$in/director.meters
fill director
# Timeouts of the connection table's zones.
sw director ovs-vsctl -- --id=@datapath create Datapath datapath_version=0 -- \
  set Open_vSwitch . datapaths:system=@datapath >/dev/null
while read -r zone timeouts; do policies+=(-- add-zone-tp system $zone $timeouts); done <$in/director.zones
sw director ovs-vsctl "${policies[@]}" || exit 1
