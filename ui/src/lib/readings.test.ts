import { describe, expect, it } from 'vitest'
import type { Bucket, Reading, Value } from './api.gen'
import { columns, gapMs, stretches } from './readings.svelte'

const bucket = (start_ms: number, mean = 1, count = 1): Bucket => ({ start_ms, count, min: mean, mean, max: mean, last: mean })

describe('gaps', () => {
  const every = (ms: number, many: number, from = 0) => Array.from({ length: many }, (_, at) => bucket(from + at * ms))
  it('are much longer than the usual pause', () => {
    const { x, mean } = columns([...every(60_000, 10), ...every(60_000, 10, 3_600_000)], 60_000)
    expect(mean.filter((value) => value === null).length).toBe(1)
    expect(x.length).toBe(21)
  })
  it('are not made of a pause now and then', () => {
    const { mean } = columns([...every(60_000, 10), ...every(60_000, 10, 780_000)], 60_000)
    expect(mean).not.toContain(null)
  })
  it('are unknown with two readings', () => expect(gapMs([bucket(0), bucket(9e9)], 1)).toBe(Number.POSITIVE_INFINITY))
})

it('a bucket of several readings stands in its middle', () => {
  expect(columns([bucket(10_000, 1, 1)], 4_000).x).toEqual([10])
  expect(columns([bucket(10_000, 1, 3)], 4_000).x).toEqual([12])
})

describe('stretches of a state', () => {
  const reading = (time_ms: number, value: Value): Reading => ({ entity: 'e', time_ms, message_id: 0, value })
  const check = (readings: Reading[], value: Value | null, sinceMs: number, expected: [number, number, Value][]) =>
    expect(stretches(readings, { value, sinceMs }, 100, 200).map((one) => [one.fromMs, one.toMs, one.value])).toEqual(expected)
  it('last until the next change', () => check([reading(110, true), reading(120, true), reading(150, false)], false, 150, [[110, 150, true], [150, 200, false]]))
  it('without a reading the present state says since when', () => check([], true, 40, [[100, 200, true]]))
  it('the present state covers what came before the first reading, if it held then', () => check([reading(150, true)], true, 40, [[100, 200, true]]))
  it('a change that is not stored yet is drawn', () => check([reading(110, false)], true, 180, [[110, 180, false], [180, 200, true]]))
  it('nothing known, nothing drawn', () => check([], null, 0, []))
})
