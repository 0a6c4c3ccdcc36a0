import { expect, it } from 'vitest'
import { heldWords } from './held'

it('what was held back is told as of now', () => {
  const check = (why: string, later: number, expected: string) => expect(heldWords(why, 100_000, 100_000 + later).replaceAll('\u202f', ' ')).toBe(expected)
  const WHY = 'Pump has to stay off for 60 s and went off 46 s ago; it may go on in 14 s'
  check(WHY, 0, 'Pump has to stay off for 60 s and went off 46 s ago; it may go on in 14 s')
  check(WHY, 4_000, 'Pump has to stay off for 60 s and went off 50 s ago; it may go on in 10 s')
  check(WHY, 14_000, 'Pump has to stay off for 60 s and went off 1 min ago')
  check('Pump may be switched 4 times a minute and was; the next time is in 20 s', 30_000, 'Pump may be switched 4 times a minute and was')
  check('“heat” is on, and its interlock lets one be on', 30_000, '“heat” is on, and its interlock lets one be on')
})
