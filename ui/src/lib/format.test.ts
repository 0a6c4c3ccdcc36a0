import { describe, expect, it } from 'vitest'
import { ago, ahead, bytes, causeText, count, DASH, duration, lasting, macText, moment, number, plain, plural } from './format'

const MIN = 60_000
const HOUR = 60 * MIN
const DAY = 24 * HOUR

it('a MAC address has colons, however it is written', () => {
  const check = (mac: string, expected: string) => expect(macText(mac)).toBe(expected)
  check('a1b2c3d4e5f6', 'A1:B2:C3:D4:E5:F6')
  check('A1-B2-C3-D4-E5-F6', 'A1:B2:C3:D4:E5:F6')
  check('unknown', 'unknown')
})

describe('what is due', () => {
  const check = (left: number, expected: string) => expect(ahead(left, 0)).toBe(expected)
  it('is told in its largest unit', () => check(12 * MIN + 5_000, 'in 12\u202fmin'))
  it('is never in the past', () => check(-MIN, 'any moment'))
})

describe('numbers', () => {
  const check = (value: number, precision: number | null, expected: string) => expect(number(value, precision)).toBe(expected)
  it('keep the digits the device means', () => {
    check(21, 1, '21.0')
    check(21.46, 1, '21.5')
    check(1184.2, 0, '1,184')
  })
  it('show about three digits when nobody said how many', () => {
    check(21.456, null, '21.5')
    check(2.456, null, '2.46')
    check(1184.2, null, '1,184')
    check(3, null, '3')
  })
  it('never show minus zero', () => check(-0.04, 1, '0.0'))
  it('are a dash when they are none', () => check(Number.NaN, null, DASH))
  it('count things', () => {
    expect(plural(1, 'device')).toBe('1 device')
    expect(plural(2, 'entity', 'entities')).toBe('2 entities')
    expect(count(12345)).toBe('12,345')
  })
  it('name sizes', () => {
    expect(bytes(999)).toBe('999\u202fB')
    expect(bytes(4_200)).toBe('4.2\u202fkB')
    expect(bytes(16_000_000)).toBe('16\u202fMB')
  })
})

describe('ages', () => {
  const check = (age: number, expected: string) => expect(ago(1_000_000_000_000 - age, 1_000_000_000_000).replaceAll('\u202f', ' ')).toBe(expected)
  it('grow in steps a person thinks in', () => {
    check(1_000, 'now')
    check(12_000, '12 s ago')
    check(3 * MIN, '3 min ago')
    check(5 * HOUR, '5 h ago')
    check(2 * DAY, '2 d ago')
  })
  it('are never in the future', () => check(-90_000, 'now'))
  it('of a state that holds say how long, not how long ago', () => {
    const now = 1_000_000_000_000
    expect(lasting(now - 12 * MIN, now).replaceAll('\u202f', ' ')).toBe('for 12 min')
    expect(lasting(now - 1_000, now)).toBe('just now')
  })
})

describe('lengths of time', () => {
  const check = (ms: number, expected: string) => expect(duration(ms).replaceAll('\u202f', ' ')).toBe(expected)
  it('are told in their two largest units', () => {
    check(350, '350 ms')
    check(8_000, '8 s')
    check(61_000, '1 min 1 s')
    check(3 * HOUR + 12 * MIN + 5_000, '3 h 12 min')
    check(2 * DAY, '2 d')
    check(DAY + 59_000, '1 d')
  })
})

it('today needs no date', () => {
  const noon = new Date(2026, 10, 23, 12).getTime()
  expect(moment(noon - HOUR, noon)).not.toContain('Nov')
  expect(moment(noon - DAY, noon)).toContain('Nov')
})

it('values without an entity are told plainly', () => {
  expect(plain(null)).toBe(DASH)
  expect(plain(true)).toBe('on')
  expect(plain('eco')).toBe('eco')
})

it('a cause is told in words', () => {
  expect(causeText({ kind: 'run', run: 'r', automation: 'heating', depth: 1 })).toBe('automation heating')
  expect(causeText(null)).toBe('The device reported it')
})
