/**
 * The schedulers of IPVS as the Linux kernel has them (net/netfilter/ipvs/ip_vs_{rr,wrr,lc,wlc,sed,nq,sh,mh}.c), one decision per
 * connection, in the form of the kernel's code and not in ours. `conns[i]`: active connections.
 */
export type Oracle = (conns: readonly number[], client: number) => number

export function lvs(name: string, weights: readonly number[]): Oracle {
  const make = { rr, wrr, lc, wlc, sed, nq, sh, mh }[name]
  if (make === undefined) throw new Error(name)
  return make(weights)
}

function rr(weights: readonly number[]): Oracle {
  let last = -1
  return () => (last = (last + 1) % weights.length)
}

/** ip_vs_wrr_schedule: the current weight decreases from the greatest by the greatest common divisor. */
function wrr(weights: readonly number[]): Oracle {
  const di = weights.reduce(gcd)
  const max = Math.max(...weights)
  let cw = 0
  let at = -1
  return () => {
    for (;;) {
      at = (at + 1) % weights.length
      if (at === 0) {
        cw -= di
        if (cw <= 0) cw = max
      }
      if (weights[at]! >= cw) return at
    }
  }
}

const lc = (): Oracle => conns => conns.reduce((least, n, i) => (n < conns[least]! ? i : least), 0)

const cheapest =
  (extra: number) =>
  (weights: readonly number[]): Oracle =>
  conns => {
    let least = 0
    // As in the kernel: without a division, and the first of equals wins.
    for (let i = 1; i < weights.length; i++) {
      if ((conns[least]! + extra) * weights[i]! > (conns[i]! + extra) * weights[least]!) least = i
    }
    return least
  }
const wlc = cheapest(0)
const sed = cheapest(1)

function nq(weights: readonly number[]): Oracle {
  const busy = sed(weights)
  return (conns, client) => {
    const idle = conns.indexOf(0)
    return idle >= 0 ? idle : busy(conns, client)
  }
}

/** ip_vs_sh: 256 buckets, filled with each destination `weight` times in turn; Knuth's multiplicative hash of the address. */
function sh(weights: readonly number[]): Oracle {
  const table: number[] = []
  for (let d = 0, count = 0; table.length < 256; ) {
    table.push(d)
    if (++count >= weights[d]!) {
      d = (d + 1) % weights.length
      count = 0
    }
  }
  return (_, client) => table[Number((BigInt(client) * 2654435761n) & 0xffn)]!
}

/** ip_vs_mh: Maglev hashing (Eisenbud and others, NSDI 2016, section 3.4), 4093 entries, `weight` turns each. */
function mh(weights: readonly number[]): Oracle {
  const size = 4093
  const table = new Array<number>(size).fill(-1)
  const offset = weights.map((_, i) => hash(i, 1) % size)
  const skip = weights.map((_, i) => (hash(i, 2) % (size - 1)) + 1)
  const next = weights.map(() => 0)
  const divisor = weights.reduce(gcd)
  for (let filled = 0; filled < size; ) {
    for (const [i, weight] of weights.entries()) {
      for (let turn = 0; turn < weight / divisor && filled < size; turn++) {
        let c = (offset[i]! + next[i]!++ * skip[i]!) % size
        while (table[c]! >= 0) c = (offset[i]! + next[i]!++ * skip[i]!) % size
        table[c] = i
        filled++
      }
    }
  }
  return (_, client) => table[hash(client, 3) % size]!
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

/** Murmur3's finaliser; the kernel uses siphash, which is random enough, too. */
export function hash(value: number, basis: number): number {
  let h = (value ^ Math.imul(basis, 0x9e3779b1)) >>> 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
