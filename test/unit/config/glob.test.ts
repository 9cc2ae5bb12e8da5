import { execFileSync } from 'node:child_process'
import test from 'ava'
import fc from 'fast-check'
import { globCovers, nameElements, parseGlob } from '../../../shared/config/glob.ts'
import { vmMatcher, vmPatternProblem } from '../../../shared/config/vm-pattern.ts'

const matches = (pattern: string, name: string) => vmMatcher(pattern)({ name, uuid: '' })

/** The shell's own answers for pairs of pattern and name. */
function askShell(pairs: readonly (readonly [pattern: string, name: string])[]): boolean[] {
  const script = `while IFS= read -r -d '' p && IFS= read -r -d '' n; do case $n in $p) echo y;; *) echo n;; esac; done`
  const input = pairs.map(([pattern, name]) => `${pattern}\0${name}\0`).join('')
  const output = execFileSync('bash', ['--norc', '-c', script], { input, encoding: 'utf8', env: { LC_ALL: 'C.UTF-8' } })
  return [...output.trim().split('\n')].map(line => line === 'y')
}

/** A small alphabet, so that patterns and names meet often. */
const piece = fc.constantFrom(
  ...[
    'a',
    'b',
    'c',
    '-',
    ']',
    '!',
    '^',
    '(',
    ')',
    '{',
    '}',
    ',',
    '+',
    '@',
    '|',
    '.',
    'é',
    '𝒳',
    ' ',
    '*',
    '*',
    '?',
    '\\',
    '[',
  ],
  ...[
    '[ab]',
    '[!a]',
    '[^b]',
    '[a-c]',
    '[]a]',
    '[!]-]',
    '[a-]',
    '[\\]]',
    '[c-a]',
    '[[:alpha:]]',
    '[![:punct:]b]',
    '[a\\-c]',
  ],
)
const pattern = fc.array(piece, { minLength: 1, maxLength: 4 }).map(pieces => pieces.join(''))
const name = fc
  .array(
    fc.constantFrom('a', 'b', 'c', 'b', '-', ']', '[', '\\', '(', ')', '*', '?', 'é', '𝒳', '!', '{', ',', ' ', '.'),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map(characters => characters.join(''))

test('patterns mean what they mean to a shell', t => {
  const pairs = fc
    .sample(fc.tuple(pattern, name), 20_000)
    .filter(([glob, text]) => vmPatternProblem(glob) === undefined && glob !== text)
  const answers = askShell(pairs)
  t.is(answers.length, pairs.length)
  t.true(answers.filter(Boolean).length > 500, `${answers.filter(Boolean).length} of ${pairs.length} match`)
  for (const [i, [glob, text]] of pairs.entries())
    t.is(matches(glob, text), answers[i] ?? false, `${glob} against ${text}`)
})

test('every name matches itself, and with each special character escaped', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), text => {
      t.true(matches(text, text))
      t.true(matches(text.replace(/[*?[\\]/g, '\\$&'), text))
      t.true(matches('*', text))
    }),
  )
})

test('parentheses, braces and operators of regular expressions are characters', t => {
  t.true(matches('Windows (x64) *', 'Windows (x64) 1'))
  t.true(matches('a.b+c|d$^*', 'a.b+c|d$^e'))
  t.false(matches('a.b*', 'axb'))
  t.false(matches('{a,b}?', 'b7'))
  t.false(matches('+(a)?', 'aab'))
  t.true(matches('web-\\*', 'web-*'))
  t.false(matches('web-\\*', 'web-1'))
  t.is(vmPatternProblem('a]'), undefined)
  t.is(vmPatternProblem('{'), undefined)
})

test('what a shell would take in another way than it was meant is told', t => {
  t.regex(vmPatternProblem('web-[12') ?? '', /'\[' and '\]' do not match up/)
  t.regex(vmPatternProblem('web-\\') ?? '', /a backslash at the end/)
  t.regex(vmPatternProblem('[[:digits:]]') ?? '', /no class of characters/)
  t.regex(vmPatternProblem('[[.a.]]') ?? '', /not supported/)
  t.regex(vmPatternProblem('x'.repeat(2000)) ?? '', /longer than 1024 characters/)
})

test('a pattern takes at most its length times the name’s', t => {
  const steps = (glob: string, text: string) => {
    let count = 0
    const matched = globCovers(parseGlob(glob).elements, nameElements(text), () => count++)
    return { matched, count }
  }
  for (const [glob, text] of [
    ['*a*a*a*a*a*b', 'a'.repeat(255)],
    [`${'*a'.repeat(500)}*b`, 'a'.repeat(255)],
    [`*${'a'.repeat(127)}b`, 'a'.repeat(255)],
    [`*${'?'.repeat(127)}b`, 'a'.repeat(255)],
  ] as const) {
    const { matched, count } = steps(glob, text)
    t.false(matched)
    t.true(count <= 2 * (glob.length + 1) * text.length, `${count} steps for ${glob.slice(0, 20)}`)
  }
  // A name ten times as long takes ten times the steps.
  const [short, long] = [1000, 10_000].map(length => steps('*a*a*a*a*a*b', 'a'.repeat(length)).count) as [
    number,
    number,
  ]
  t.true(long < 11 * short)
})
