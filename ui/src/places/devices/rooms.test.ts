import { expect, it } from 'vitest'
import { moved } from './rooms'

it('a room changes places with its neighbour, and stays at the ends', () => {
  const check = (id: string, by: -1 | 1, expected: string | null) => expect(moved(['a', 'b', 'c'], id, by)?.join('') ?? null).toBe(expected)
  check('b', -1, 'bac')
  check('b', 1, 'acb')
  check('a', -1, null)
  check('c', 1, null)
  check('gone', 1, null)
})
