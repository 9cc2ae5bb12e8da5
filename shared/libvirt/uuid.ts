/** Converts the protocol's 32 hexadecimal digits to the usual form with hyphens (RFC 9562). */
export function formatUuid(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Converts a UUID back to 32 digits; throws RangeError for any other text. */
export function parseUuid(uuid: string): string {
  const hex = uuid.replaceAll('-', '').toLowerCase()
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new RangeError(`not a UUID: ${uuid}`)
  return hex
}
