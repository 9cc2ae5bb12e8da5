# The other balancers, each with the same three real servers and its most usual scheduler. The first one does not translate
# ports, because its direct routing cannot.

ipvs() { ns ipvs-$1 ipvsadm -R; }
for service in "-t $vip_dr:80" "-u $vip_dr:5353"; do
  echo "-A $service -s wlc"
  for n in $vms; do echo "-a $service -r 10.10.1.3$n:${service##*:} -g"; done
done | ipvs dr || exit 1
ip -n ipvs-dr addr add $vip_dr/32 dev eth0
for service in '-t 10.10.1.63:80' '-u 10.10.1.63:5353'; do
  echo "-A $service -s wlc"
  for n in $vms; do echo "-a $service -r 10.10.1.4$n:${service##*:} -m"; done
done | ipvs nat || exit 1

ns nftables nft -f - <<'NFT' || exit 1
table ip balancer {
  chain in {
    type nat hook prerouting priority dstnat
    ip daddr 10.10.1.64 tcp dport 80 dnat to numgen inc mod 3 map { 0 : 10.10.1.51, 1 : 10.10.1.52, 2 : 10.10.1.53 }
    ip daddr 10.10.1.64 udp dport 5353 dnat to numgen inc mod 3 map { 0 : 10.10.1.51, 1 : 10.10.1.52, 2 : 10.10.1.53 }
  }
}
NFT

cat >/run/balancer.cfg <<'CFG'
global
  maxconn 10000
  nbthread 1
defaults
  mode tcp
  timeout client 60s
  timeout server 60s
  timeout connect 5s
listen balancer
  bind 10.10.1.65:80
  balance roundrobin
  server vm1 10.10.1.31:80
  server vm2 10.10.1.32:80
  server vm3 10.10.1.33:80
CFG
ip netns exec haproxy /usr/sbin/haproxy -q -f /run/balancer.cfg -D -p /run/balancer.pid
