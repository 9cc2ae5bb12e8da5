# client - fabric - balancer - fabric - the switch of a hypervisor - three VMs. Every balancer is a namespace of its own.
# Neighbours and the fabric's addresses are static, so that no look-up takes place during a measurement.

for name in fabric client host vm1 vm2 vm3; do ip netns add $name; ip -n $name link set lo up; done
ip -n fabric link add fabric type bridge
ip -n fabric link set fabric up
plug() { # NAMESPACE LAST-NUMBER
  local mac=02:00:00:00:00:$2
  ip -n fabric link add p$2 type veth peer name eth0 address $mac netns "$1"
  ip -n fabric link set p$2 master fabric up
  ip -n "$1" link set eth0 up
  bridge -n fabric fdb replace $mac dev p$2 master static
}
plug client 10
plug host 20
ip -n client addr add 10.10.1.10/24 dev eth0
for balancer in $balancers; do
  name=${balancer%:*} last=${balancer#*:}
  ip netns add $name
  ip -n $name link set lo up
  plug $name $last
  # The director's switch handles the director's address.
  [ $name = director ] || ip -n $name addr add 10.10.1.$last/24 dev eth0
  ns $name sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
  ns $name sysctl -qw net.ipv4.ip_local_port_range='1024 65001' net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=1
done

for n in $vms; do
  ip -n host link add vnet$n type veth peer name eth0 address 52:54:00:00:00:0$n netns vm$n
  ip -n host link set vnet$n up
  bridge -n fabric fdb replace 52:54:00:00:00:0$n dev p20 master static
  ip -n vm$n link set eth0 up
  ns vm$n sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 net.core.somaxconn=4096
  ip -n vm$n addr add 10.10.1.3$n/24 dev eth0
  ip -n vm$n addr add 10.10.1.4$n/24 dev eth0
  ip -n vm$n addr add 10.10.1.5$n/24 dev eth0
  # Behind IPVS NAT and nftables, each of the thousand real servers has an address. (Direct routing needs only the MAC.)
  ip -n vm$n route add local 10.10.8.0/22 dev lo
  ip -n vm$n route add local 10.10.12.0/22 dev lo
  # Replies to a balancer that has changed the destination address have to go back to it.
  ip -n vm$n route add default via 10.10.1.63 dev eth0 table 63
  ip -n vm$n route add default via 10.10.1.64 dev eth0 table 64
  for from in 10.10.1.4$n 10.10.8.0/22; do ip -n vm$n rule add from $from lookup 63; done
  for from in 10.10.1.5$n 10.10.12.0/22; do ip -n vm$n rule add from $from lookup 64; done
done
# Settings of a client that opens thousands of connections a second; otherwise the client, NAT or HAProxy would run out of ports.
ns client sysctl -qw net.ipv4.ip_local_port_range='1024 65001' net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=1
sysctl -qw net.netfilter.nf_conntrack_max=1000000
echo 262144 >/sys/module/nf_conntrack/parameters/hashsize

neighbour() { ip -n "$1" neigh replace "$2" lladdr "$3" dev eth0 nud permanent; }
while IFS=$'\t' read -r _ address mac _; do neighbour client $address $mac; done <$in/ways
for n in $vms; do
  neighbour vm$n 10.10.1.10 02:00:00:00:00:10
  for last in 63 64 65; do neighbour vm$n 10.10.1.$last 02:00:00:00:00:$last; done
  for name in ipvs-dr ipvs-nat nftables haproxy client; do
    for tens in 3 4 5; do neighbour $name 10.10.1.$tens$n 52:54:00:00:00:0$n; done
  done
  # A VM holds the addresses of services that do not change the destination.
  for address in $vip_static $vip_dr $vip_dr_many $(awk -F'\t' -v mac=$director_mac '$3 == mac { print $2 }' $in/ways); do
    ip -n vm$n addr replace $address/32 dev lo
  done
done
for name in ipvs-nat nftables ipvs-dr haproxy; do neighbour $name 10.10.1.10 02:00:00:00:00:10; done
