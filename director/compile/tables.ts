/**
 * Tables, priorities and registers of the director. An agent may work on the same bridge: it has tables 160 to 179 and
 * lower priorities in table 0. A request passes these tables from top to bottom:
 *
 *   0   CLASSIFY    ARP, ND, ICMP echo and requests for a VIP that are meant for the director (eth_dst=D), and signals
 *                   and answers of hosts (eth_dst=R)
 *       └ ct(zone of the service): the connection is looked up, and the packet comes back in
 *   100 ENDING      the first FIN or RST of a connection, of either side, is counted, and set in its mark
 *   101 CONNECTION  ct_mark known: MARK ← it, go on in FORWARD. Else a SYN goes to the service's select group, whose bucket
 *                   sets MARK. Any other TCP packet belongs to a connection that is not in the table: the hosts are asked
 *       └ with persistence: first ct(zone of the service's clients), back in through
 *         105 PERSISTENT  the client's mark known: MARK ← it. Else the group
 *       └ with turns instead of a group: ct(zone of all turns), back in through
 *         107 TURN    MARK ← whose turn it is
 *   102 COMMIT      ct(commit): the connection's mark is set, and the packet comes back in through
 *       └ 115 ENTERED   checks the mark that was set. A SYN that has taken a turn skips this table
 *   103 OPENED      new connections are counted, by that mark
 *   104 FORWARD     per MARK: destination port, addresses, then the fabric. A signal ends here
 *       └ 109 SOURCE  source R for a SYN, D for all else
 *       └ 110 TAG     a frame from an access port gets the tag that NORMAL would give it, for it will not pass NORMAL
 *   106 UPLINK      back through the uplink that the request came in by, or out of it when it came from elsewhere
 *   108 ICMP_ERROR  an ICMP error about a connection's packet, with the connection's mark
 *   111 MINE        a host has said that a connection is its own: COMMIT, unless the table knows it by now
 *   112 TELL        a packet that the hosts were asked about also goes to the director's process
 *   113 UNANSWERED  the process looks the packet up again: without a mark, no host has answered
 *   114 CLIENT      a host has said that a persistent client is one of its own: the client gets its mark
 *
 * The connection table sees all packets of the client, and of the replies a copy of SYN-ACK, FIN and RST, which the host
 * sends (signals): without the SYN-ACK the kernel's conntrack would call every packet after the SYN invalid
 * (nf_conntrack_proto_tcp.c, tcp_conntracks). Flows match on the mark; only invalid SYNs are matched by ct_state. Counters go
 * by ct_mark and never by a group's bucket, because after a change of weights the switch would credit earlier packets to
 * the wrong real server. (With turns each connection has a cached flow of its own, which is credited at once.)
 */
export const TABLE = {
  CLASSIFY: 0,
  ENDING: 100,
  CONNECTION: 101,
  COMMIT: 102,
  OPENED: 103,
  FORWARD: 104,
  PERSISTENT: 105,
  UPLINK: 106,
  TURN: 107,
  ICMP_ERROR: 108,
  SOURCE: 109,
  TAG: 110,
  MINE: 111,
  TELL: 112,
  UNANSWERED: 113,
  CLIENT: 114,
  ENTERED: 115,
} as const

/**
 * In table 0 the rules for requests are above the agent's rules (40,000 to 40,500, agent/compile/tables.ts), so that a request
 * reaches a local real server only through the director. The rules for ARP, ND and ICMP are below the agent's shields (a real
 * server's own probe for its VIP must stay unanswered, or the guest gives the address up) and above its neighbour proxy.
 *
 * NO_REQUEST: a packet to the VIP that belongs to no service (another port, a client outside of `clients`). Where D is the
 * host's own address, the agent could take it for a request from a director.
 * FROM_HOST: signals and answers of hosts; FROM_NOBODY: any other frame to R.
 */
export const PRIORITY = {
  FROM_HOST: 50_100,
  FROM_NOBODY: 50_050,
  REQUEST: 50_000,
  NO_REQUEST: 45_000,
  ANSWER: 40_255,
  KNOWN: 200,
  UNKNOWN: 100,
  BASE: 1,
} as const

/** Mark (= number) of the real server that the packet goes to; 0: not known yet. */
export const MARK = 'reg0'

/** Mark of the real server under which a new connection has been entered in the table. */
export const ENTERED = 'reg6'

/** 1: MARK was chosen by turns. */
export const TAKEN = 'reg7'

/** Bit of a connection's ct_mark, above all real servers' marks: the client or the real server has ended the connection. */
export const ENDED = 0x8000_0000

/** Zone of the entries that hold the turns, one per service. The services' own zones are above it (director/store/numbers.ts). */
export const TURN_ZONE = 0x4000

/**
 * 1 after the director has sent a packet to its own host's agent (resubmit to table 0). The packet must not be taken for a
 * request again, which it resembles when VIP port and ingress port are equal and D is the host's own MAC.
 */
export const FORWARDED = 'reg14'

/**
 * Bit 0: the packet is a signal or an answer of a host, and goes no further than the connection table. On a shared bridge the
 * agent sets it (agent/compile/tables.ts), so that no VM can send to R.
 */
export const SIGNAL = 'reg12'

/** 1: this SYN has waited for the hosts' answers about its client (features/persistence.ts). */
export const WAITED = 'reg15'

/**
 * Meters: packets that the hosts are asked about; those of them that the director's process sees; answers that it sees; SYNs that
 * wait in it; ICMP errors; and requests that it refuses.
 */
export const METER = {
  ask: 50_949,
  tell: 50_950,
  answer: 50_951,
  client: 50_952,
  icmpError: 50_953,
  refuse: 50_954,
} as const

/**
 * Collector set (OVSDB) and observation domains (RFC 7011, 3.1) of accounted packets: the first packet of a connection, the first
 * FIN or RST of either side, and the client's other packets.
 */
export const ACCOUNTING = { collectorSet: 0xc705, domain: { opened: 1, ended: 2, known: 3 } } as const
