import test from 'ava'
import fc from 'fast-check'
import {
  COOKIE_KINDS,
  type CookieKind,
  cookieText,
  decodeCookie,
  encodeCookie,
  groupId,
  type Owner,
  ownerCookie,
  ownsFlow,
  ownsGroup,
} from '../../../shared/flows/cookie.ts'

const owner = fc.constantFrom<Owner>('agent', 'director')
const kind = fc.constantFrom(...(Object.keys(COOKIE_KINDS) as CookieKind[]))
const object = fc.integer({ min: 0, max: 0xffffffff })

test('layout on the wire stays what saved flows have', t => {
  t.is(encodeCookie('agent', 'reply', 7), 0xc7051002_00000007n)
  t.is(encodeCookie('director', 'schedule', 0xffffffff), 0xc7052024_ffffffffn)
  t.deepEqual(ownerCookie('agent'), { cookie: 0xc705_1000_0000_0000n, mask: 0xffff_f000_0000_0000n })
  t.is(groupId('agent', 1), 0xc7010001)
  t.is(groupId('director', 0xffff), 0xc702ffff)
})

test('what is encoded is decoded, and owned by exactly one', t => {
  fc.assert(
    fc.property(owner, kind, object, (o, k, n) => {
      const cookie = encodeCookie(o, k, n)
      t.deepEqual(decodeCookie(cookie), { owner: o, kind: k, object: n })
      t.true(cookie < 1n << 64n)
      t.true(ownsFlow(o, cookie))
      t.false(ownsFlow(o === 'agent' ? 'director' : 'agent', cookie))
    }),
  )
})

test('cookie and mask select what ownsFlow says, for any cookie', t => {
  fc.assert(
    fc.property(owner, fc.bigInt(0n, (1n << 64n) - 1n), fc.boolean(), (o, any, near) => {
      const cookie = near ? 0xc705n * (1n << 48n) + (any & 0xffff_ffff_ffffn) : any
      t.is(ownsFlow(o, cookie), decodeCookie(cookie)?.owner === o)
    }),
  )
})

test('kinds have numbers of their own', t => {
  const numbers = Object.values(COOKIE_KINDS)
  t.is(new Set(numbers).size, numbers.length)
  t.true(numbers.every(n => n >= 0 && n <= 0xfff))
})

test('a kind of a newer version is still ours', t => {
  const cookie = 0xc7051fff_00000003n
  t.deepEqual(decodeCookie(cookie), { owner: 'agent', kind: undefined, object: 3 })
  t.is(cookieText(cookie), 'agent/unknown/3')
  t.is(cookieText(0xabcn), '0xabc')
})

test('what does not fit is refused', t => {
  for (const bad of [-1, 1.5, 2 ** 32, Number.NaN])
    t.throws(() => encodeCookie('agent', 'reply', bad), { instanceOf: RangeError })
  for (const bad of [-1, 1.5, 65536]) t.throws(() => groupId('agent', bad), { instanceOf: RangeError })
})

test('group ids: each owner has its range, and below OFPG_MAX', t => {
  fc.assert(
    fc.property(owner, fc.integer({ min: 0, max: 0xffff }), (o, n) => {
      const id = groupId(o, n)
      t.true(id <= 0xffffff00)
      t.true(ownsGroup(o, id))
      t.false(ownsGroup(o === 'agent' ? 'director' : 'agent', id))
    }),
  )
  t.false(ownsGroup('agent', 1))
})
