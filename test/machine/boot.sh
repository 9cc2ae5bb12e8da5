# Second half of the test machine's boot (test/machine/qemu.ts), by bash. /out is a folder of the machine that started this one.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
. /out/environment
mkdir -p /dev/pts /dev/shm /dev/net
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
[ -e /dev/net/tun ] || mknod /dev/net/tun c 10 200
# Hides the sockets and pid files of the outer machine's daemons.
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lock /run/netns
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
ln -sfn /proc/self/fd /dev/fd
release=$(uname -r)
mkdir -p "/lib/modules/$release"
mount --bind "$MODULES/$release" "/lib/modules/$release"
modprobe -a openvswitch vport-vxlan vport-geneve vport-gre veth tun bridge 8021q nf_conntrack nf_conntrack_netlink \
  nfnetlink_cttimeout nf_tables nft_ct nft_nat nft_masq nft_chain_nat nft_numgen sch_netem sch_tbf af_packet unix_diag tcp_diag
# A table for as many connections as are measured: IPVS's default is one of 4,096 chains.
modprobe ip_vs conn_tab_bits=18
modprobe -a ip_vs_rr ip_vs_wlc ip_vs_mh
hostname machine
ip link set lo up
cd "$DIRECTORY"
bash /out/command.sh
echo $? >/out/exit-code
sync -f /out
poweroff -f
