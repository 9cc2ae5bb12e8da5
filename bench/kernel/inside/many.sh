# Adds a thousand real servers on the same VMs: as ports behind crossport, as addresses behind the others.
fill host -many
fill director -many

addresses() { # FIRST: a thousand from 10.10.FIRST.1 on, each with the number of its VM
  awk -v first=$1 'BEGIN { for (i = 0; i < 1000; i++) print "10.10." first + int(i / 250) "." 1 + i % 250, 1 + i % 3 }'
}
# Neighbours of a balancer: which VM has the address.
known_to() { sed 's/\(.*\) \(.\)/neigh replace \1 lladdr 52:54:00:00:00:0\2 dev eth0 nud permanent/' | ip -n $1 -batch -; }
sysctl -qw net.ipv4.neigh.default.gc_thresh1=4096 net.ipv4.neigh.default.gc_thresh2=8192 net.ipv4.neigh.default.gc_thresh3=16384

addresses 4 | known_to ipvs-dr
ip -n ipvs-dr addr add $vip_dr_many/32 dev eth0
ip -n ipvs-dr route add 10.10.4.0/22 dev eth0
{ echo "-A -t $vip_dr_many:80 -s wlc"; addresses 4 | sed "s/ .*//; s/.*/-a -t $vip_dr_many:80 -r &:80 -g/"; } | ipvs dr || exit 1

addresses 8 | known_to ipvs-nat
ip -n ipvs-nat addr add 10.10.1.73/32 dev eth0
ip -n ipvs-nat route add 10.10.8.0/22 dev eth0
{ echo '-A -t 10.10.1.73:80 -s wlc'; addresses 8 | sed 's/ .*//; s/.*/-a -t 10.10.1.73:80 -r &:80 -m/'; } | ipvs nat || exit 1

addresses 12 | known_to nftables
ip -n nftables addr add 10.10.1.74/32 dev eth0
ip -n nftables route add 10.10.12.0/22 dev eth0
{
  echo 'add rule ip balancer in ip daddr 10.10.1.74 tcp dport 80 dnat to numgen inc mod 1000 map {'
  addresses 12 | awk '{ print (NR > 1 ? ", " : "") NR - 1 " : " $1 }'
  echo '}'
} | ns nftables nft -f - || exit 1
while IFS=$'\t' read -r _ address mac _; do
  neighbour client $address $mac
  if [ $mac = $director_mac ]; then for n in $vms; do ip -n vm$n addr replace $address/32 dev lo; done; fi
done <$in/many-ways
