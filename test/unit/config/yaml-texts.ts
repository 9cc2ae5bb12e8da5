import fc from 'fast-check'

/** Fragments for combination: indentation, dashes, comments, quotes, numbers of all notations, tabs … */
const word = fc.constantFrom(
  ...[
    'web',
    'web-*',
    '80',
    '0',
    '007',
    '0x1f',
    '0o7',
    '1e3',
    '1.5',
    '1.',
    '10.0.0.1',
    '10.0.0.0/8',
    'true',
    'False',
    'yes',
  ],
  ...[
    'null',
    '~',
    '',
    '"q"',
    "'q'",
    '*a',
    '&a',
    '!t',
    '- x',
    'a b',
    'a: b',
    'a:',
    'a #c',
    '#c',
    '[a, b]',
    '[]',
    '[a,]',
  ],
  ...[
    '[a, [b]]',
    '{a: b}',
    '|',
    '>',
    '2s',
    '.5',
    '-1',
    '+1',
    'a,b',
    '%x',
    '@x',
    '`x',
    'é',
    'a\tb',
    'on',
    '2026-01-01',
    '__proto__',
  ],
)
const line = fc
  .tuple(
    fc.constantFrom('', '', '  ', '    ', ' ', '\t'),
    fc.constantFrom('', '', '- ', '- - ', '-', '? '),
    fc.constantFrom('vm: ', 'port: ', 'realServers:', 'vm:', '', 'clients: ', 'a b: ', '1: ', '"k": ', '<<: ', 'é: '),
    word,
    fc.constantFrom('', '', '', ' ', ' # c', '\r'),
  )
  .map(parts => parts.join(''))
export const yamlText = fc
  .tuple(
    fc.constantFrom('service: web\n', 'a: 1\n', '', '---\n', '# c\n', '\n', '%YAML 1.2\n'),
    fc.array(line, { maxLength: 6 }),
  )
  .map(([first, lines]) => first + lines.join('\n'))
