import { flushSync } from 'svelte'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { acted, askAgain, AT_MOST_EVERY_MS } from './again.svelte'
import { live } from './live.svelte'
import { device, entity, frame, state } from './sample.test-data'

const EVERY_MS = 60_000

describe('what is asked for again', () => {
  const asked = vi.fn()
  let end: () => void
  beforeEach(() => {
    vi.useFakeTimers()
    live.receive(frame({ devices: [device(), device({ id: 'lamp' })], entities: [entity(), entity({ id: 'lamp.light', device: 'lamp' })] }))
    asked.mockClear()
    end = $effect.root(() => askAgain(() => 'plug', EVERY_MS, asked))
    flushSync()
  })
  afterEach(() => {
    end()
    vi.useRealTimers()
  })
  const report = (id: string, value: number) => {
    live.receive(frame({ states: [{ entity: id, state: state({ value, reported_ms: value }) }] }))
    flushSync()
  }
  const rest = () => vi.advanceTimersByTime(AT_MOST_EVERY_MS)

  it('is asked for at once', () => expect(asked.mock.calls).toEqual([['plug']]))
  it('is asked for when a state changes, and once for many in a second', () => {
    for (const value of [1, 2, 3]) report('plug.power', value)
    expect(asked).toHaveBeenCalledTimes(1)
    rest()
    expect(asked).toHaveBeenCalledTimes(2)
    rest()
    expect(asked).toHaveBeenCalledTimes(2)
  })
  it('is not asked for when another device says something', () => {
    report('lamp.light', 1)
    rest()
    expect(asked).toHaveBeenCalledTimes(1)
  })
  it('is asked for when the device changes, and when something was done that no frame tells', () => {
    live.receive(frame({ devices: [device({ name: 'Heater' })] }))
    flushSync()
    rest()
    expect(asked).toHaveBeenCalledTimes(2)
    acted()
    flushSync()
    rest()
    expect(asked).toHaveBeenCalledTimes(3)
  })
  it('is asked for every so often', () => {
    vi.advanceTimersByTime(EVERY_MS + 1)
    expect(asked).toHaveBeenCalledTimes(2)
  })
})
