/** The six bytes of `xx:xx:xx:xx:xx:xx`. */
export function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex')
}
