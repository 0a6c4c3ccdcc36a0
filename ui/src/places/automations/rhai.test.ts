import { StreamLanguage } from '@codemirror/language'
import { highlightTree, tagHighlighter, tags } from '@lezer/highlight'
import { describe, expect, it } from 'vitest'
import { indentation, rhaiParser } from './rhai'

const language = StreamLanguage.define(rhaiParser(new Set(['on', 'topic'])))
const kinds = tagHighlighter([
  { tag: tags.comment, class: 'comment' }, { tag: tags.string, class: 'string' },
  { tag: tags.keyword, class: 'keyword' }, { tag: tags.number, class: 'number' },
  { tag: tags.standard(tags.variableName), class: 'builtin' }, { tag: tags.atom, class: 'atom' },
])

/** The coloured pieces of a text, as `kind:text`. */
function pieces(text: string): string[] {
  const found: string[] = []
  highlightTree(language.parser.parse(text), kinds, (from, to, kind) => found.push(`${kind}:${text.slice(from, to)}`))
  return found
}

describe('colours', () => {
  const check = (text: string, expected: string[]) => expect(pieces(text)).toEqual(expected)
  it('tell words, texts and numbers apart', () => {
    check('let a = 25.5; if true {}', ['keyword:let', 'number:25.5', 'keyword:if', 'atom:true'])
    check('on(topic("a/+"))', ['builtin:on', 'builtin:topic', 'string:"a/+"'])
  })
  it('do not take a variable for a function', () => check('topic', []))
  it('follow comments, nested ones too', () => {
    check('1 // 2', ['number:1', 'comment:// 2'])
    check('/* a /* b */ c */ 1', ['comment:/* a /* b */ c */', 'number:1'])
  })
  it('leave a text for the code inside it and come back', () => {
    check('`a ${ b + 1 } c` 2', ['string:`a ${', 'number:1', 'string:} c`', 'number:2'])
    check('`${ #{ a: 1 } }`', ['string:`${', 'number:1', 'string:}`'])
  })
  it('carry a text over lines', () => check('`a\nb` 1', ['string:`a', 'string:b`', 'number:1']))
})

describe('indentation', () => {
  const check = (before: string, after: string, expected: number) => expect(indentation(before, after, 4)).toBe(expected)
  it('follows brackets at the ends of lines', () => {
    check('on(x, |e| {', '', 4)
    check('    if a { // why', 'b', 8)
    check('    log("x");', '});', 0)
    check('on(x, |e| {', '});', 0)
    check('let a = 1;', '}', 0)
  })
})
