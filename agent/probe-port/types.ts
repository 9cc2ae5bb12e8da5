/** The bridge's internal port that probes leave the host through. */
export interface ProbePortState {
  /** Undefined until the switch has opened it. */
  readonly ofport: number | undefined
  readonly mac: string
  /** Why nothing can be probed now. */
  readonly obstacle: string | undefined
}

export interface ProbePortOptions {
  readonly bridge: string
  /** Name of port and device. */
  readonly name: string
  /** Its address with the length of its network: `169.254.96.1/19`. */
  readonly address: string
}

/** The same on every host: frames of the probe port never leave the bridge as they are. */
export const PROBE_MAC = '02:c7:05:00:00:01'

/** Datagrams leave from this port: above the ephemeral ones (ip_local_port_range), below the dynamic ones' end. */
export const PROBE_UDP_PORT = 61_053
