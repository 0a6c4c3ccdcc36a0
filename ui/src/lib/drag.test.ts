import { describe, expect, it } from 'vitest'
import { keyed, stepped } from './drag'

const SCALE = { min: 7, max: 35, step: 0.1 }

describe('a value of a scale', () => {
  const check = (value: number, expected: number) => expect(stepped(value, SCALE)).toBe(expected)
  it('is at a step', () => check(21.3333, 21.3))
  it('is what it looks like', () => check(7.3000001, 7.3))
  it('is within its ends', () => {
    check(3, 7)
    check(40, 35)
  })
})

describe('keys', () => {
  const check = (key: string, expected: number | null) => expect(keyed(new KeyboardEvent('keydown', { key }), 20, SCALE)).toBe(expected)
  it('go by steps', () => {
    check('ArrowUp', 20.1)
    check('ArrowLeft', 19.9)
    check('PageUp', 21)
  })
  it('go to the ends', () => {
    check('Home', 7)
    check('End', 35)
  })
  it('that mean something else stay theirs', () => check('Tab', null))
})
