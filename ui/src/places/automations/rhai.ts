import type { StreamParser, StringStream } from '@codemirror/language'

/** Words of the language itself (Rhai Book, "Keywords"). */
const KEYWORDS = new Set([
  'let', 'const', 'if', 'else', 'switch', 'while', 'loop', 'do', 'until', 'for', 'in', 'continue', 'break',
  'return', 'throw', 'try', 'catch', 'fn', 'private', 'import', 'export', 'as', 'this', 'is_def_fn', 'is_def_var',
])
const ATOMS = new Set(['true', 'false'])

/** What a reader of the text stands in: block comments nest in Rhai, and so do texts within `${…}`. */
interface Place {
  comment: number
  /** Texts that are open, innermost last; a number counts the braces of an open `${`. */
  open: Array<'`' | number>
}

/** Reads the inside of a back-ticked text up to its end or a `${`. */
function template(stream: StringStream, place: Place): string {
  while (!stream.eol()) {
    if (stream.match('${')) {
      place.open.push(0)
      return 'string'
    }
    const character = stream.next()
    if (character === '\\') stream.next()
    else if (character === '`') {
      place.open.pop()
      break
    }
  }
  return 'string'
}

function comment(stream: StringStream, place: Place): string {
  while (!stream.eol() && place.comment > 0) {
    if (stream.match('/*')) place.comment += 1
    else if (stream.match('*/')) place.comment -= 1
    else stream.next()
  }
  return 'comment'
}

/** Colours for Rhai. `builtins` are the functions a script may call. */
export function rhaiParser(builtins: ReadonlySet<string> = new Set()): StreamParser<Place> {
  return {
    name: 'rhai',
    startState: () => ({ comment: 0, open: [] }),
    copyState: (place) => ({ comment: place.comment, open: [...place.open] }),
    token(stream, place) {
      if (place.comment > 0) return comment(stream, place)
      const innermost = place.open.at(-1)
      if (innermost === '`') return template(stream, place)
      if (stream.eatSpace()) return null
      if (stream.match('//')) {
        stream.skipToEnd()
        return 'comment'
      }
      if (stream.match('/*')) {
        place.comment = 1
        return comment(stream, place)
      }
      if (stream.match('`')) {
        place.open.push('`')
        return template(stream, place)
      }
      if (stream.match(/"(?:[^"\\]|\\.)*"?/) || stream.match(/'(?:[^'\\]|\\.)+'/)) return 'string'
      if (stream.match(/0x[\da-f_]+|0o[0-7_]+|0b[01_]+|\d[\d_]*(\.\d[\d_]*)?(e[-+]?\d+)?/i)) return 'number'
      if (innermost !== undefined) {
        if (stream.match('{') || stream.match('#{')) {
          place.open[place.open.length - 1] = innermost + 1
          return 'punctuation'
        }
        if (stream.match('}')) {
          if (innermost > 0) place.open[place.open.length - 1] = innermost - 1
          else place.open.pop()
          return innermost > 0 ? 'punctuation' : 'string'
        }
      }
      const word = stream.match(/[\p{L}_][\p{L}\p{N}_]*/u) as RegExpMatchArray | null
      if (word) {
        if (KEYWORDS.has(word[0])) return 'keyword'
        if (ATOMS.has(word[0])) return 'atom'
        const called = /^\s*\(/.test(stream.string.slice(stream.pos))
        if (called && builtins.has(word[0])) return 'builtin'
        return called ? 'variableName.function' : 'variableName'
      }
      if (stream.match(/[-+*/%=<>!&|^~?:.]+/)) return 'operator'
      stream.next()
      return 'punctuation'
    },
    languageData: {
      commentTokens: { line: '//', block: { open: '/*', close: '*/' } },
      closeBrackets: { brackets: ['(', '[', '{', '"', '`'] },
      indentOnInput: /^\s*[}\])]$/,
    },
  }
}

/** Columns a line starts at, from the last line with text in it: a closure ends with `});`, so brackets at the
 * ends of lines decide, not a grammar. */
export function indentation(before: string, after: string, unit: number): number {
  const base = before.length - before.trimStart().length
  const opens = /[{([]\s*(\/\/.*)?$/.test(before)
  const closes = /^\s*[})\]]/.test(after)
  return Math.max(0, base + (opens ? unit : 0) - (closes ? unit : 0))
}
