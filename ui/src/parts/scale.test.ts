import { describe, expect, it } from 'vitest'
import { faint, nearest, scaleRange } from './scale'

describe('the scale', () => {
  it('has room around the values', () => {
    const [low, high] = scaleRange(20, 30)
    expect(low).toBeLessThan(20)
    expect(high).toBeGreaterThan(30)
  })
  it('a flat line lies in the middle, and noise is not an alps', () => {
    const [low, high] = scaleRange(230, 230.1)
    expect(high - low).toBeGreaterThan(4)
  })
  it('does not invent negative power', () => expect(scaleRange(0, 100)[0]).toBe(0))
  it('stands without values', () => expect(scaleRange(null, null)).toEqual([0, 1]))
})

describe('the crosshair', () => {
  const check = (x: number, expected: number) => expect(nearest([10, 20, 40], x)).toBe(expected)
  it('reads the nearest point', () => {
    check(0, 0)
    check(14, 0)
    check(16, 1)
    check(29, 1)
    check(31, 2)
    check(99, 2)
  })
})

it('a band is the line with less of it', () => expect(faint('#0068a8')).toBe('rgba(0, 104, 168, 0.16)'))
