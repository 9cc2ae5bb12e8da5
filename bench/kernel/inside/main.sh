# main.sh ROUNDS SECONDS [PART...]: the whole run, or only the named parts.
set -u
here=bench/kernel/inside rounds=$1 seconds=$2
shift 2
parts=" $* "
: >/out/results
. $here/common.sh
. $here/network.sh
. $here/switches.sh
. $here/others.sh
. $here/server.sh
. $here/measure.sh
say 'set up'
each() { # FILE COMMAND: with name, address, hardware address and namespace of each way
  case $parts in '  ' | *" ${2#of_} "*) ;; *) return ;; esac
  local name address mac space
  while IFS=$'\t' read -r name address mac space <&3; do
    "$2" "$name" "$address" "$mac" "$space"
    say "${2#of_}: $name"
  done 3<$in/$1
}
of_connections() {
  purge
  warm 5 $2 -H 'Connection: close'
  load connections "$1" $2 $4 -H 'Connection: close'
}
of_requests() {
  purge
  warm 5 $2
  load requests "$1" $2 $4
}
of_latency() { latency "$1" $2; }
of_download() { download "$1" $2 $4; }
of_packets() { packets packet. "$1" $2 $3 2000 200 0; }
of_growth() {
  packets growth. "$1" $2 $3 0 200 100000
  forget
}
# At first each connection is the first of its real server; later all real servers have had some.
of_many_connections() {
  purge
  load many.cold "$1" $2 $4 -H 'Connection: close'
  warm 15 $2 -H 'Connection: close'
  load many.connections "$1" $2 $4 -H 'Connection: close'
}
of_many_packets() { packets many. "$1" $2 $3 0 1000 0; }
of_host() {
  purge
  warm 5 $2 -H 'Connection: close'
  load host.connections "$1" $2 $4 -H 'Connection: close'
  warm 5 $2
  load host.requests "$1" $2 $4
  download_rate host.download "$1" $2
  sinks
  packets host. "$1" $2 $3 0 200 0
  sinks away
}

each ways of_connections
each ways of_requests
each ways of_latency
each ways of_download
sinks
each packet-ways of_packets
each growth-ways of_growth
sinks away
. $here/many.sh
say 'a thousand real servers'
each many-ways of_many_connections
sinks
each many-ways of_many_packets
sinks away
. $here/host.sh
say 'the host alone'
each host-ways of_host
