import { describe, expect, it } from 'vitest'
import { parse } from '../../../lib/router.svelte'
import { coverWords, messagesOf, playground, rangeOf } from './trial'

describe('the playground', () => {
  it('opens with the message it was opened from', () => {
    const address = playground({ topic: 'a/b?', payload: '{"t": 1}' })
    const { path, query } = parse(address)
    expect(path).toEqual(['profiles', '+new'])
    expect(messagesOf(query)).toEqual([{ topic: 'a/b?', payload: '{"t": 1}', encoding: 'text', retain: false }])
    expect(messagesOf(new URLSearchParams())).toEqual([])
  })

  it('selects the place of a fault', () => {
    const check = (line: number, column: number, expected: string) => {
      const text = 'one = 1\n  two = 2\n'
      expect(text.slice(...rangeOf(text, line, column))).toBe(expected)
    }
    check(1, 1, 'one = 1')
    check(2, 3, 'two = 2')
    check(2, 99, '')
    check(9, 1, '')
  })

  it('says what tests cover', () => {
    const sample = { name: 'x', messages: 2, entities: 1, commands: 0 }
    expect(coverWords([])).toBe('No tests of its own')
    expect(coverWords([sample, sample])).toBe('2 tests with 4 messages')
  })
})
