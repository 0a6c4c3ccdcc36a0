import type { Device, ProfileView, TriedMessage } from '../../../lib/api.gen'
import { describe, expect, it } from 'vitest'
import { parse } from '../../../lib/router.svelte'
import { coverWords, messagesOf, NEW, playground, rangeOf, understands } from './trial'

describe('the playground', () => {
  it('opens with the message it was opened from', () => {
    const address = playground({ topic: 'a/b?', payload: '{"t": 1}' })
    const { path, query } = parse(address)
    expect(path).toEqual(['profiles', '+new'])
    expect(messagesOf(query)).toEqual([{ topic: 'a/b?', payload: '{"t": 1}', encoding: 'text', retain: false }])
    expect(messagesOf(new URLSearchParams())).toEqual([])
  })

  it('opens with the profile that understands the message', async () => {
    const profiles = ['off', 'homie', 'wled', 'tasmota'].map((key) => ({ key, id: `${key}-id`, is_used: key !== 'off' }) as ProfileView)
    const heard = (rules: number) => ({ rules: Array.from({ length: rules }) }) as TriedMessage
    const check = async (device: string | null, makes: string | null, knows: string | null, expected: string) =>
      expect(await understands(profiles, device, async (key) => ({ devices: key === makes ? [{} as Device] : [], messages: [heard(key === knows ? 1 : 0)] }))).toBe(expected)
    await check('wled-id', 'tasmota', null, 'wled')
    await check('by-hand', 'tasmota', 'homie', 'tasmota')
    await check(null, null, 'homie', 'homie')
    await check(null, 'off', 'off', NEW)
    await check(null, null, null, NEW)
    expect(parse(playground({ topic: 'a', payload: '' }, 'wled')).path).toEqual(['profiles', 'wled'])
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
