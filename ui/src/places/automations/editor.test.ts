import { CompletionContext } from '@codemirror/autocomplete'
import { ensureSyntaxTree, StreamLanguage } from '@codemirror/language'
import { EditorState, Text } from '@codemirror/state'
import { describe, expect, it } from 'vitest'
import { completer, diagnostics, span } from './editor'
import { rhaiParser } from './rhai'

const doc = Text.of(['let a = 1;', '    turn_of("x");', ''])
const error = (line: number | null, column: number | null) => ({ message: 'm', line, column })

describe('where an error is underlined', () => {
  const check = (line: number | null, column: number | null, expected: string) => {
    const { from, to } = span(doc, error(line, column))
    expect(doc.sliceString(from, to)).toBe(expected)
  }
  it('the word at its column, or the line', () => {
    check(2, 5, 'turn_of')
    check(2, null, 'turn_of("x");')
    check(null, null, 'let a = 1;')
  })
  it('stays inside the text whatever the hub says', () => {
    check(99, 1, '')
    check(1, 99, ';')
    check(0, 0, 'let')
  })
  it('tells errors from warnings', () => {
    expect(diagnostics(doc, { triggers: [], error: error(1, 1), warnings: [error(2, 5)] }).map((d) => d.severity)).toEqual(['error', 'warning'])
  })
})

describe('completion', () => {
  const asked: string[] = []
  const complete = completer({
    functions: [{ name: 'turn_on', signature: 'turn_on(entity)', help: 'Turns it on.' }],
    entities: () => [{ id: 'plug.power', name: 'Plug power' }],
    topics: async (part) => { asked.push(part); return ['tele/plug/SENSOR'] },
  })
  async function labels(text: string): Promise<string[]> {
    const state = EditorState.create({ doc: text, extensions: [StreamLanguage.define(rhaiParser())] })
    ensureSyntaxTree(state, text.length, 1000)
    const result = await complete(new CompletionContext(state, text.length, false))
    return (result?.options ?? []).map((option) => option.label)
  }
  it('offers functions and words in code', async () => expect(await labels('tu')).toContain('turn_on'))
  it('offers entities in a text', async () => expect(await labels('get("pl')).toEqual(['plug.power']))
  it('offers topics once there is a slash, without the wildcard', async () => {
    expect(await labels('topic("tele/pl+')).toEqual(['tele/plug/SENSOR'])
    expect(asked).toEqual(['tele/pl'])
  })
  it('offers the fields of an event', async () => expect(await labels('e.va')).toContain('value'))
  it('keeps quiet in a number', async () => expect(await labels('let a = 12')).toEqual([]))
})
