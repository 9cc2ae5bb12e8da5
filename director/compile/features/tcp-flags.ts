/** Matches of `tcp_flags`, VALUE/MASK (RFC 9293, 3.1). */
export const FIN = '0x001/0x001'
export const RST = '0x004/0x004'
export const SYN = '0x002/0x002'
export const NO_SYN = '0/0x002'
/** SYN and ACK without FIN and RST. */
export const SYN_ACK = '0x012/0x017'
/** SYN without FIN, RST and ACK. */
export const SYN_ONLY = '0x002/0x017'
