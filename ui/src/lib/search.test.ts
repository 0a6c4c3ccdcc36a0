import { expect, it } from 'vitest'
import { best, fits } from './search'

const first = (query: string, texts: string[]) => best(texts, (text) => text, query, 10)[0]

it('every word must occur', () => {
  expect(fits('Kitchen plug', 'plug kit')).toBeGreaterThan(0)
  expect(fits('Kitchen plug', 'plug bath')).toBe(0)
})
it('the start of a word is better than its middle', () => expect(first('lamp', ['Clamp meter', 'Floor lamp'])).toBe('Floor lamp'))
it('the shorter name is better', () => expect(first('kitchen', ['Kitchen plug power', 'Kitchen'])).toBe('Kitchen'))
it('without a query the first ones are shown', () => expect(best(['b', 'a'], (text) => text, ' ', 1)).toEqual(['b']))
