import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Hand, SEND_EVERY_MS, SETTLE_MS } from './hand.svelte'

beforeEach(() => { vi.useFakeTimers() })
afterEach(() => { vi.useRealTimers() })

function hand(): { hand: Hand<number>; sent: number[] } {
  const sent: number[] = []
  return { hand: new Hand<number>((value) => sent.push(value)), sent }
}

it('sends the first at once, the newest of each step, and the last for sure', () => {
  const { hand: one, sent } = hand()
  one.hold()
  for (let value = 1; value <= 20; value += 1) {
    one.say(value)
    vi.advanceTimersByTime(SEND_EVERY_MS / 4)
  }
  one.release()
  vi.advanceTimersByTime(SEND_EVERY_MS)
  expect(sent).toEqual([1, 4, 8, 12, 16, 20])
})

it('sends the same value once', () => {
  const { hand: one, sent } = hand()
  one.say(5)
  one.say(5)
  vi.advanceTimersByTime(SEND_EVERY_MS * 2)
  expect(sent).toEqual([5])
})

it('stays under the finger whatever the device says', () => {
  const { hand: one } = hand()
  one.hold()
  one.say(40)
  vi.advanceTimersByTime(SETTLE_MS * 2)
  one.heard(40)
  expect(one.value).toBe(40)
})

it('gives way when the device says what was wished', () => {
  const { hand: one } = hand()
  one.say(40)
  one.heard(20)
  expect(one.value).toBe(40)
  one.heard(40)
  expect(one.value).toBeNull()
})

it('gives way to a device that says something else, or nothing', () => {
  const { hand: one } = hand()
  one.hold()
  one.say(40)
  one.release()
  vi.advanceTimersByTime(SETTLE_MS)
  expect(one.value).toBeNull()
})

it('sends what waits when its control goes away, and then no more', () => {
  const { hand: one, sent } = hand()
  one.say(1)
  one.say(2)
  one.end()
  vi.advanceTimersByTime(SEND_EVERY_MS * 4)
  expect(sent).toEqual([1, 2])
})
