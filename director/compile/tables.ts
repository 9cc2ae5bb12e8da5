/**
 * Tables, priorities and registers of the director. An agent may work on the same bridge: it has tables 160 to 179 and
 * lower priorities in table 0. A request passes these tables from top to bottom:
 *
 *   0   CLASSIFY    ARP, ND, ICMP echo and requests for a VIP that are meant for the director (eth_dst=D), and what hosts
 *                   tell of their connections (eth_dst=R)
 *       └ ct(zone of the service): the connection table is asked, and the packet comes back in
 *   100 ENDING      the first FIN or RST of a connection, of either side, is counted, and noted in its mark
 *   101 CONNECTION  ct_mark known: MARK ← it, go on in FORWARD. Else, for a SYN, the service's select group: each bucket
 *                   sets MARK. Anything else of TCP is of a connection that the table has lost: the hosts are asked
 *       └ with persistence: first ct(zone of the service's clients), back in through
 *         105 PERSISTENT  the client's mark known: MARK ← it. Else the group
 *       └ with turns instead of a group: ct(zone of all turns), back in through
 *         107 TURN    MARK ← whose turn it is
 *   102 COMMIT      ct(commit): the connection's mark is set, and the packet comes back in through
 *       └ 115 ENTERED   the mark that was set. A SYN that has taken a turn goes on at once
 *   103 OPENED      new connections are counted, by that mark
 *   104 FORWARD     per MARK: destination port, addresses, then the fabric. A signal ends here
 *       └ 109 SOURCE  source R for a SYN, D for all else
 *       └ 110 TAG     a frame from an access port gets the tag that NORMAL would give it, for it will not pass NORMAL
 *   106 UPLINK      back through the uplink that the request came in by, or out of it when it came from elsewhere
 *   108 ICMP_ERROR  an error that a connection's packet has caused, with the connection's mark
 *   111 MINE        a host has said that a connection is its own: COMMIT, unless the table knows it by now
 *   112 TELL        a packet that the hosts were asked about is shown to the director's process, too
 *   113 UNANSWERED  the process asks about it again: no mark, so no host has answered
 *   114 CLIENT      a host has said that a persistent client is one of its own: the client gets its mark
 *
 * Of a connection's packets the table sees all that the client sends, and of the replies a copy of SYN-ACK, FIN and RST,
 * which the host sends (signals): without the SYN-ACK the kernel's conntrack calls all that follows the SYN invalid
 * (nf_conntrack_proto_tcp.c, tcp_conntracks). A mark says all that matters; ct_state is matched of broken SYNs only. What is
 * counted is counted by ct_mark, never by a group's bucket: after a change of weights the switch would credit packets of
 * before to the wrong real server. (By turns each connection has a cached flow of its own, which is credited at once.)
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
 * In table 0 a request for a VIP goes before the agent's rules (40,000 to 40,500, agent/compile/tables.ts): it gets to
 * a local real server through the director only. ARP, ND and ICMP go after the agent's shields (a real server's own probe
 * for its VIP must stay unanswered, or the guest gives the address up) and before the agent's neighbour proxy.
 *
 * NO_REQUEST: a packet for the VIP that no service is for (another port, a client outside of `clients`). Where D is the
 * host's own address the agent could take it for one that a director has sent.
 * FROM_HOST: what hosts tell of their connections; FROM_NOBODY: anything else to R.
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

/** Mark of the real server for which a new connection has been entered in the table. */
export const ENTERED = 'reg6'

/** 1: MARK is whose turn it was. */
export const TAKEN = 'reg7'

/** Bit of a connection's ct_mark, above all real servers' marks: the client or the real server has ended it. */
export const ENDED = 0x8000_0000

/** Of the entries that say whose turn it is, one a service. Services' own zones are above it (director/store/numbers.ts). */
export const TURN_ZONE = 0x4000

/**
 * 1 after the director has sent a packet to its own host's agent (resubmit to table 0): it must not be taken for a
 * request once more, which it looks like when VIP port and ingress port are equal and D is the host's own MAC.
 */
export const FORWARDED = 'reg14'

/**
 * Bit 0: what a host tells of a connection. It goes no further than the connection table. On a bridge that is shared the
 * agent sets it (agent/compile/tables.ts), so no VM can speak to R.
 */
export const SIGNAL = 'reg12'

/** 1: this SYN has waited for what hosts say of its client (features/persistence.ts). */
export const WAITED = 'reg15'

/**
 * Meters: packets that the hosts are asked about, those of them that are shown to the director's process, answers that
 * are, and SYNs that wait there.
 */
export const METER = { ask: 50_949, tell: 50_950, answer: 50_951, client: 50_952 } as const

/**
 * Collector set (OVSDB) and observation domains (RFC 7011, 3.1) in which packets of connections are accounted: the first
 * one, the first FIN or RST of either side, and the client's others.
 */
export const ACCOUNTING = { collectorSet: 0xc705, domain: { opened: 1, ended: 2, known: 3 } } as const
