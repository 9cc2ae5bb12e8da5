/** What a fleet may be, so that a peer that is broken or hostile costs its director no more than this. */
export const LIMITS = {
  /** Hosts that one director knows. */
  hosts: 4096,
  /** Real servers of one host. */
  realServers: 8192,
  /** Characters of a name: of a service, a VM, a real server. */
  name: 256,
  /** Characters of a reason, which people read. */
  reason: 1024,
  /** Documents of a director that one host tells of as refused. */
  refused: 100,
  /** Bytes of one message to a director: a host with as many real servers as there may be. */
  message: 16 << 20,
  /** Bytes of one message to an agent: less than the 4 MiB that gRPC takes. What is larger is sent in pieces. */
  piece: 3 << 20,
  /** Bytes of all documents of a director together. */
  documents: 64 << 20,
} as const
