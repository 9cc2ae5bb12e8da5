import { PORT } from './types.ts'
import { within } from './writer.ts'

/** The last table that a packet can be sent to (OFPTT_MAX). */
const LAST_TABLE = 254

/** A table that a packet can be sent to. Throws OPENFLOW_VALUE_INVALID, naming `what`. */
export const tableOf = (table: number, what: string): number => within(table, 0, LAST_TABLE, what)

/**
 * Nicira's actions carry ports of OpenFlow 1.0: 16 bits, 0xff00 and up reserved. Since OpenFlow 1.1 the reserved ones
 * have 32 bits, all of the upper half set.
 */
const LAST_PORT = 0xfeff
const RESERVED = 0xffff0000

/** A port number in OpenFlow 1.0's form. Throws OPENFLOW_VALUE_INVALID, naming `what`. */
export const toPort16 = (port: number, what: string): number =>
  port > RESERVED + LAST_PORT && port <= PORT.ANY ? port - RESERVED : within(port, 0, LAST_PORT, what)

/** Converts a port number back from OpenFlow 1.0's form. */
export const fromPort16 = (port: number): number => (port > LAST_PORT ? port + RESERVED : port)
