/** 32 hexadecimal digits, as the protocol has them, to the usual form with hyphens (RFC 9562). */
export function formatUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** The other way; throws RangeError for anything but a UUID. */
export function parseUuid(uuid: string): string {
  const hex = uuid.replaceAll('-', '').toLowerCase()
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new RangeError(`not a UUID: ${uuid}`)
  return hex
}
