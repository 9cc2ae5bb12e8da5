# Read by the scripts beside it, which bash runs in the test machine (test/machine/qemu.ts). /out/in has the files of bench/suites/kernel.ts.
in=/out/in
vip_static=10.10.1.101 vip_dr=10.10.1.102 vip_dr_many=10.10.1.122
host_mac=02:00:00:00:00:20 director_mac=02:00:00:00:00:50
vms='1 2 3'
balancers='director:50 ipvs-dr:62 ipvs-nat:63 nftables:64 haproxy:65'

ns() { local name=$1; shift; ip netns exec "$name" "$@"; }
# The switch of a namespace: its daemons have their files in a folder of that name.
sw() { local name=$1; shift; OVS_RUNDIR=/run/ovs/$name OVS_DBDIR=/run/ovs/$name OVS_LOGDIR=/run/ovs/$name "$@"; }
of() { local name=$1; shift; sw "$name" ovs-ofctl -vconsole:err -O OpenFlow15 "$@"; }
say() { echo "[$(cut -d' ' -f1 /proc/uptime)] $*"; }
# result FIGURE WAY VALUE
result() { printf '%s\t%s\t%s\n' "$@" >>/out/results; }
