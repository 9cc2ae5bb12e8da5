/**
 * The agent's part of the bridge's pipeline: which tables it uses, in which order its rules of table 0 are tried.
 * The director's tables and priorities are in director/compile/tables.ts; both may share a bridge, and neither may
 * collide with NORMAL (priority 0) or with rules of other controllers: Neutron's Open vSwitch agent has tables 0 to 94
 * on its integration bridge (60 to 62 among them), OVN 0 to about 100.
 */
export const TABLE = {
  /** Where packets enter the pipeline. All controllers of the bridge share this table. */
  classify: 0,
  /** Forwards a rewritten packet of a real server as if the host had sent it. */
  asHost: 160,
  /** The first fragment of a UDP reply, with its source port in SOURCE_PORT. */
  fragment: 161,
  /** Overlay: forwards a frame by destination MAC; holds the flows that frames from the tunnel create. */
  network: 162,
  /** A packet that a director asks about, with the mark of its connection. */
  recall: 163,
  /** A reply as it leaves: directors get a copy if it begins or ends a connection. */
  signals: 164,
  /** A request, with its real server's number in REAL_SERVER: its connection gets an entry. */
  remember: 165,
} as const

/** Priorities in table 0. Each line of the first part beats those below it where matches overlap. */
export const PRIORITY = {
  /** What a VM may not say, whoever it says it to (features/guards.ts): before the director's rules, too. */
  doubleTag: 55_020,
  priorityTag: 55_010,
  falseMac: 55_000,
  /** A packet that a director has sent to this host is marked, and goes through table 0 again. */
  fromDirector: 41_000,
  /** Signals of this host on their way to a director, and frames of VMs that imitate them. */
  signalOut: 40_700,
  spoofedSignal: 40_690,
  /** A director's question whether a connection is this host's. */
  ask: 40_510,
  /** A SYN of a service with persistent clients; a question about a client. */
  client: 40_505,
  /** Health checks between the probe port and a VM (features/probe.ts). */
  probe: 40_600,
  /** Whatever else comes in from the probe port. */
  probePort: 40_590,
  /** What a VM that holds the VIP puts into a VLAN of its own making. */
  shieldTagged: 40_520,
  reply: 40_500,
  request: 40_500,
  /** A real server's reply to somebody whom its service is not for; before `source`, which would send it. */
  replyToStranger: 40_480,
  /** ARP or ND for the VIP from the very VM that holds it (probe, announcement). */
  neighbourSelf: 40_500,
  /** An ordinary request for a neighbour that Linux sends with the VIP as its sender. */
  neighbourSender: 40_450,
  /** Any other ARP with the VIP as its sender, from that VM. */
  neighbourShield: 40_400,
  source: 40_400,
  spoof: 40_300,
  /** Announcements of the VIP by a director that is a VM of this host. */
  announcedHere: 40_265,
  /** An untagged frame from an access port of a VLAN in which the untagged network's VIP is somebody else's address. */
  neighbourForeign: 40_262,
  /** Announcements of the VIP that arrive from the fabric. */
  announced: 40_260,
  /** Below the director's own rule, whose packets come to the same hardware address where both share a bridge. */
  icmpError: 40_252,
  neighbourProxyAccess: 40_250,
  neighbourProxy: 40_200,
  /** In the tables signals, recall and remember. */
  signal: 100,
  mine: 100,
  over: 110,
  remember: 100,
  rememberFlag: 110,
  /** In the table asHost. */
  toHostItself: 200,
  asHost: 100,
  /** In the table fragment, below the reply's own priority. */
  otherFragment: 100,
  /** In the table network. */
  networkLocalAsHost: 310,
  networkLocal: 300,
  networkLearntAddress: 210,
  networkLearnt: 200,
  networkDirector: 150,
  networkUnknown: 100,
  /** Above all other rules, the director's included: a frame from the tunnel teaches, and is then resubmitted. */
  tunnelEntry: 60_000,
  /** Above NORMAL only: what a VM sends. */
  fromVm: 1,
} as const

/** Source port of a fragment, because no match in table 0 can see it. */
export const SOURCE_PORT = 'reg1'

/** Ingress port of the real server that sent a reply. */
export const INGRESS_PORT = 'reg2'

/** Number of the real server that receives a request. */
export const REAL_SERVER = 'reg3'

/**
 * Bits of an entry's mark above the real server's number: the client has ended the connection, the real server has. Once both
 * have, another connection to another real server may use the same ports.
 */
export const CLOSED = { byClient: 0x4000_0000, byServer: 0x8000_0000, byBoth: 0xc000_0000 } as const

/** Is 1 once a frame from the tunnel has taught its sender's place (the director's own mark is reg14). */
export const TAUGHT = 'reg13'

/** In the same register as TAUGHT, bit 1: a director has sent the packet. */
export const FROM_DIRECTOR = 'reg13'
export const FROM_DIRECTOR_BIT = '0x2/0x2'

/** Not 0: the director on this bridge sends the packet on (director/compile/tables.ts); in_port is still its client's. */
export const FORWARDED = 'reg14'

/**
 * Register of a frame to a director. Bit 0: the frame is a signal; bit 1: one frame of it is enough (director/compile/tables.ts,
 * SIGNAL).
 */
export const SIGNAL = 'reg12'
export const SIGNAL_BITS = { whole: 1, cut: 3 } as const

/**
 * conntrack zones of this host's real servers' connections and of their persistent clients: below the director's zones, above the
 * numbers that people choose by hand.
 */
export const HOST_ZONE = 0x3fff
export const CLIENT_ZONE = 0x3ffe

/** Seconds without packets after which a client's host is forgotten; the same as Open vSwitch's MAC table. */
export const LEARNT_IDLE_S = 300

/** Seconds for which a request for a client goes only to the client's last known host. */
export const LEARNT_ADDRESS_S = 60

/**
 * conj_id of the conjunctive matches (ovs-fields(7), "Conjunctive match"): one pair for each family and VLAN. The VLAN's tag is
 * added to each; 0: untagged.
 */
export const CONJUNCTION = {
  IPv4: { ipSpoof: 0xc955_1000, neighbourSpoof: 0xc955_2000 },
  IPv6: { ipSpoof: 0xc955_3000, neighbourSpoof: 0xc955_4000 },
} as const

/** conj_id of "any VM port" × "any hardware address that no VM has". */
export const FALSE_MAC = 0xc955_5000

/** Of the 12 bits of `tcp_flags`. */
export const TCP_FLAG = { rst: '0x004', ack: '0x010' } as const
/** Matches for a reply that begins or ends a connection, and for a packet that does not begin one. */
export const TCP_FLAGS = {
  synAck: '0x012/0x012',
  fin: '0x001/0x001',
  finOnly: '0x001/0x005',
  rst: '0x004/0x004',
  noSyn: '0/0x002',
  syn: '0x002/0x017',
} as const

/** vlan_vid of an untagged frame, and the bit that marks a tag as present (OpenFlow 1.5.1, 7.2.3.8). */
export const VLAN = { none: 0, present: 0x1000 } as const
