import { describe, expect, it } from 'vitest'
import { renamed, Selection } from './selection.svelte'

const SHOWN = ['a', 'b', 'c', 'd', 'e']
const picked = (selection: Selection): string => [...selection.ids].sort().join('')

describe('picking', () => {
  it('one by one, and giving back', () => {
    const selection = new Selection()
    selection.toggle('b')
    selection.toggle('d')
    selection.toggle('b')
    expect(picked(selection)).toBe('d')
  })
  it('a range from the last one, longer and shorter again, to either side', () => {
    const selection = new Selection()
    selection.toggle('c')
    selection.extend('e', SHOWN)
    expect(picked(selection)).toBe('cde')
    selection.extend('d', SHOWN)
    expect(picked(selection)).toBe('cd')
    selection.extend('a', SHOWN)
    expect(picked(selection)).toBe('abc')
  })
  it('a range leaves what was picked before', () => {
    const selection = new Selection()
    selection.toggle('e')
    selection.toggle('b')
    selection.extend('c', SHOWN)
    selection.extend('b', SHOWN)
    expect(picked(selection)).toBe('be')
  })
  it('a range without a beginning picks one', () => {
    const selection = new Selection()
    selection.extend('c', SHOWN)
    expect(picked(selection)).toBe('c')
  })
  it('forgets what is gone', () => {
    const selection = new Selection()
    selection.all(SHOWN)
    selection.keep((id) => id !== 'c')
    expect(picked(selection)).toBe('abde')
  })
})

describe('names by a pattern', () => {
  const check = (pattern: string, expected: string[]) => expect(renamed(['Plug', 'Strip'], pattern)).toEqual(expected)
  it('count', () => check('Lamp #', ['Lamp 1', 'Lamp 2']))
  it('keep what they were', () => check('Kitchen *', ['Kitchen Plug', 'Kitchen Strip']))
  it('are never the same', () => check('Lamp', ['Lamp 1', 'Lamp 2']))
  it('of one need no number', () => expect(renamed(['Plug'], 'Lamp')).toEqual(['Lamp']))
})
