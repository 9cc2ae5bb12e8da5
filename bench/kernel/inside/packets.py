"""
Instructions a packet on the whole way from the client to a VM, where packets with this mark are dropped as they come in
(measure.sh). Frames are put into a ring (packet(7), PACKET_TX_RING), which one system call sends: nothing is measured but
what the kernel does. The machine's nanosecond is one instruction.

packets.py ADDRESS MAC ROUNDS PACKETS CONNECTIONS MORE

`one`, `new`, `known`: UDP, all of one flow, each of another, and those again. `tcp`: ACKs of real connections that are
held open. `grown`: the same beside MORE connections. Prints a figure a line, and how many packets were sent in all.
"""
import mmap
import os
import socket
import struct
import sys
import time

address, mac = sys.argv[1:3]
rounds, packets, connections, more = map(int, sys.argv[3:7])

OWN = '10.10.1.10'
DSCP = 10 << 2
SOL_PACKET, PACKET_VERSION, PACKET_TX_RING, PACKET_VNET_HDR, TPACKET_V2 = 263, 10, 13, 15, 1
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
SLOT, SLOTS, HEADER = 128, 8192, 32
TCP_SYN, TCP_ACK = 0x02, 0x10
READY, BURST = 1, 16
# One wake-up of a daemon costs a hundredth of a thousand packets, so TCP, which has a goal, uses more packets.
TCP_PACKETS, TCP_ROUNDS = 5000, 7
# The kernel sorts the masks of its cached flows by their use every four seconds
# (net/openvswitch/datapath.c, DP_MASKS_REBALANCE_INTERVAL). A wait takes no real time here.
MASKS_SECONDS = 4.5

# Lets a switch's daemon finish its work on a burst before the next burst, as on a processor of its own.
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
out.bind(('eth0', 0))
out.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V2)
# Without this header, each stage would have to linearise everything beyond 14 bytes again.
out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
out.setsockopt(SOL_PACKET, PACKET_TX_RING, struct.pack('IIII', 4096, SLOTS * SLOT // 4096, SLOT, SLOTS))
ring = mmap.mmap(out.fileno(), SLOTS * SLOT)
ethernet = bytes.fromhex(mac.replace(':', '')) + bytes.fromhex('02000000001008' + '00')
sent = 0
slot = 0


def folded(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return total


def frame(source, protocol, rest, checksum_at):
    addresses = socket.inet_aton(source) + socket.inet_aton(address)
    ip = bytearray(struct.pack('!BBHHHBBH', 0x45, DSCP, 20 + len(rest), 0, 0, 64, protocol, 0) + addresses)
    ip[10:12] = struct.pack('!H', folded(ip) ^ 0xffff)
    # Like a packet for a NIC that completes the checksum (virtio_net_hdr: needs_csum, csum_start, csum_offset). The checksum
    # is completed on the way to a switch's daemon, and connection tracking drops packets with a wrong one.
    pseudo = folded(addresses + struct.pack('!HH', protocol, len(rest)))
    whole = ethernet + bytes(ip) + rest[:checksum_at] + struct.pack('!H', pseudo) + rest[checksum_at + 2:]
    return struct.pack('=BBHHHH', 1, 0, len(whole), 0, 34, checksum_at) + whole


def udp(port, source=OWN):
    return frame(source, 17, struct.pack('!HHHH', port, 5353, 26, 0) + bytes(18), 6)


def tcp(port, flags, seq=0, ack=0, source=OWN):
    return frame(source, 6, struct.pack('!HHIIBBHHH', port, 80, seq, ack, 0x50, flags, 0xffff, 0, 0), 16)


def send(frames):
    """Nanoseconds a packet. They go in bursts: a slot that is not ready yet ends one."""
    global sent, slot
    frames = list(frames)
    begin = spent = 0
    for start in range(0, len(frames), SLOTS - BURST):
        chunk = frames[start:start + SLOTS - BURST]
        first = slot
        for i, data in enumerate(chunk):
            at = (first + i) % SLOTS * SLOT
            ring[at + HEADER:at + HEADER + len(data)] = data
            ring[at:at + 8] = struct.pack('=II', 0 if i % BURST == 0 else READY, len(data))
        slot = (first + len(chunk)) % SLOTS
        begin = time.perf_counter_ns()
        for i in range(first, first + len(chunk), BURST):
            ring[i % SLOTS * SLOT] = READY
            out.send(b'')
        spent += time.perf_counter_ns() - begin
    sent += len(frames)
    return spent // len(frames)


def show(figure, value):
    print(figure, value, flush=True)


def hold(number):
    """Opens connections: each with what its next ACK would be."""
    held = []
    refused = 0
    for _ in range(number):
        client = socket.socket()
        client.settimeout(3)
        try:
            client.connect((address, 80))
        except OSError:
            refused += 1
            continue
        client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        numbers = []
        for queue in (2, 1):
            client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
            numbers.append(client.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ) & 0xffffffff)
        client.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)
        held.append((client, tcp(client.getsockname()[1], TCP_ACK, *numbers)))
    show('refused', refused)
    return held


if packets > 0:
    # Before this, everything that is cached for all flows together has been cached.
    send(udp(2000) for _ in range(200))
    send(udp(3000 + i) for i in range(1500))
    first = 5000
    for _ in range(rounds):
        show('one', send(udp(2000) for _ in range(packets)))
        show('new', send(udp(first + i) for i in range(packets)))
        send(udp(first + i) for i in range(packets))
        time.sleep(MASKS_SECONDS)
        show('known', send(udp(first + i) for i in range(packets)))
        first += packets

if connections > 0:
    held = hold(connections)
    acks = [ack for _, ack in held] or sys.exit('no connection')
    passes = max(1, TCP_PACKETS // len(acks))
    for _ in range(2):
        send(acks * 3)
        time.sleep(MASKS_SECONDS)
    for _ in range(TCP_ROUNDS):
        show('tcp', send(acks * passes))
    if more > 0:
        show('opened', send(tcp(1024 + i % 50000, TCP_SYN, i, 0, f'10.10.{32 + i // 50000}.7') for i in range(more)))
        send(acks)
        for _ in range(TCP_ROUNDS):
            show('grown', send(acks * passes))
show('sent', sent)
