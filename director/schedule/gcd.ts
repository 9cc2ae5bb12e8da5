/** Greatest common divisor; 0 divides into everything. */
export function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b)
}
