# Measures each way and writes lines to /out/results, from which bench/suites/kernel.ts makes the figures.

bytes() { # through a balancer, both ways
  [ "$1" = - ] && echo 0 && return
  ns "$1" sh -c 'cat /sys/class/net/eth0/statistics/rx_bytes /sys/class/net/eth0/statistics/tx_bytes' | awk '{ sum += $1 } END { print sum }'
}
# Packets that the kernel parts of both switches have sent to vswitchd.
upcalls() {
  local name
  for name in director host; do sw $name ovs-appctl -t ovs-vswitchd dpctl/show; done |
    sed -n 's/.* missed:\([0-9]*\).*/\1/p' | awk '{ sum += $1 } END { print sum }'
}

# Cached flows of another way would slow this one's packets down.
purge() {
  local name
  for name in director host; do sw $name ovs-appctl -t ovs-vswitchd revalidator/purge; done
}

# Warms up: the kernel sorts the masks of its cached flows by their use every four
# seconds (net/openvswitch/datapath.c, DP_MASKS_REBALANCE_INTERVAL). warm SECONDS ADDRESS [wrk's options...]
warm() {
  local time=$1 address=$2
  shift 2
  ns client wrk -t1 -c16 -d${time}s "$@" http://$address/ >/dev/null 2>&1
}

# load FIGURE WAY ADDRESS SPACE [wrk's options...]
load() {
  local figure=$1 way=$2 address=$3 space=$4 asked bytes total=0 round rate errors
  shift 4
  asked=$(upcalls) bytes=$(bytes $space)
  for _ in $(seq $rounds); do
    ns client wrk -t1 -c16 -d${seconds}s "$@" http://$address/ 2>/dev/null | awk '
      / requests in / { total = $1 }
      /Requests.sec/ { rate = $2 }
      /Socket errors/ { gsub(",", ""); errors += $4 + $6 + $8 + $10 }
      /Non-2xx/ { errors += $NF }
      END { print total + 0, rate + 0, total ? errors + 0 : errors + 1 }' >/run/load
    read -r round rate errors </run/load
    total=$((total + round))
    result $figure "$way" $rate
    result $figure.errors "$way" $errors
  done
  asked=$(($(upcalls) - asked)) bytes=$(($(bytes $space) - bytes))
  [ $total -gt 0 ] || return
  result $figure.upcalls "$way" $(awk "BEGIN { print $asked / $total }")
  [ $space = - ] || result $figure.bytes "$way" $((bytes / total))
}

latency() { # WAY ADDRESS
  ns client python3 $here/latency.py $2 $rounds >/run/latency
  local figure value
  while read -r figure value; do result latency.$figure "$1" $value; done </run/latency
}

download() { # WAY ADDRESS SPACE
  local bytes size
  [ $3 = - ] && return
  for _ in $(seq $rounds); do
    bytes=$(bytes $3)
    size=$(ns client curl -sS -o /dev/null -m 20 -w '%{size_download}' http://$2/download 2>/dev/null)
    if [ "$size" = 5000000 ]; then result download "$1" $((($(bytes $3) - bytes) / 5)); else result download.errors "$1" 1; fi
  done
}

download_rate() { # FIGURE WAY ADDRESS: bytes a second
  local size rate
  for _ in $(seq $rounds); do
    read -r size rate < <(ns client curl -sS -o /dev/null -m 20 -w '%{size_download} %{speed_download}\n' http://$3/download 2>/dev/null)
    if [ "$size" = 5000000 ]; then result $1 "$2" $rate; else result $1.errors "$2" 1; fi
  done
}

# Drops the packets of packets.py where they enter a VM.
sinks() {
  local n
  for n in $vms; do
    if [ "${1:-}" = away ]; then ns vm$n nft delete table netdev sink; continue; fi
    ns vm$n nft -f - <<'NFT'
table netdev sink {
  counter seen {
  }
  chain in {
    type filter hook ingress device "eth0" priority 0
    ip dscp 10 counter name seen drop
  }
}
NFT
  done
}
arrived() {
  for n in $vms; do ns vm$n nft reset counter netdev sink seen; done | sed -n 's/.*packets \([0-9]*\) .*/\1/p' | awk '{ sum += $1 } END { print sum }'
}
# packets PREFIX WAY ADDRESS MAC PACKETS CONNECTIONS MORE
packets() {
  purge
  arrived >/dev/null
  ns client python3 $here/packets.py $3 $4 $rounds $5 $6 $7 >/run/packets
  sleep 1
  local came figure value
  came=$(arrived)
  while read -r figure value; do
    if [ $figure = sent ]; then result $1lost "$2" $((value - came)); else result $1$figure "$2" $value; fi
  done </run/packets
}
# Open connections must not end during the next measurement. A wait takes no real time here.
forget() {
  sw director ovs-appctl -t ovs-vswitchd dpctl/flush-conntrack
  sw host ovs-appctl -t ovs-vswitchd dpctl/flush-conntrack
  ns nftables conntrack -F 2>/dev/null
  sleep 130
}
