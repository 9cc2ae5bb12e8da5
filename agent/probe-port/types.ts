/** How it stands with the bridge's internal port through which probes leave the host. */
export interface ProbePortState {
  /** Why nothing can be probed now. */
  readonly obstacle: string | undefined
}

export interface ProbePortOptions {
  readonly bridge: string
  /** Name of the port and of its device. */
  readonly name: string
  /** Its address with prefix length: `169.254.96.1/19`. */
  readonly address: string
}

/** The same on every host, because no frame of the probe port leaves the bridge unchanged. */
export const PROBE_MAC = '02:c7:05:00:00:01'

/** Source port of datagrams: above the kernel's ephemeral ports (ip_local_port_range), within the dynamic ones (RFC 6335). */
export const PROBE_UDP_PORT = 61_053
