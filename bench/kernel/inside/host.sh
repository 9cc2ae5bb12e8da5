# Measures only the hypervisor's switch: clients send to it as a director does, and its signals end in the fabric.
fill host -alone
ns fabric /usr/sbin/nft -f - <<'NFT' || exit 1
table netdev told {
  chain in {
    type filter hook ingress device "p20" priority 0
    ether daddr 0a:00:00:00:00:50 drop
  }
}
NFT
while IFS=$'\t' read -r _ address mac _; do
  neighbour client $address $mac
  ip -n vm1 addr replace $address/32 dev lo
done <$in/host-ways
