import { describe, expect, it } from 'vitest'
import type { Entity, State } from './api.gen'
import { fullName, isSwitch, seriesFor, seriesOf, shortName, STALE_AFTER_MS, telling, valueLine } from './entity'
import { device, entity, state } from './sample.test-data'

const NOW = 1_000_000_000_000

describe('how a state is told', () => {
  const check = (of: Partial<Entity>, now: Partial<State>, expected: string) => expect(telling(entity(of), state({ reported_ms: NOW, ...now }), NOW)).toBe(expected)
  it('unavailable before everything else', () => check({}, { value: 21, availability: 'unavailable' }, 'unavailable'))
  it('nothing reported is unknown', () => check({}, { value: null }, 'unknown'))
  it('a sleeper keeps its last value', () => check({}, { value: 21, availability: 'asleep' }, 'asleep'))
  it('on and off', () => {
    check({}, { value: true }, 'on')
    check({}, { value: false }, 'off')
  })
  it('an open cover is alive, a locked lock is quiet', () => {
    check({ component: 'cover' }, { value: 'open' }, 'on')
    check({ component: 'cover' }, { value: 'closed' }, 'off')
    check({ component: 'lock' }, { value: 'locked' }, 'off')
  })
  it('a promise to report was broken', () => {
    check({ expire_after_s: 60 }, { value: 21, reported_ms: NOW - 61_000 }, 'stale')
    check({ expire_after_s: 60 }, { value: 21, reported_ms: NOW - 59_000 }, 'value')
  })
  it('a measurement nobody repeated for a day', () => check({ state_class: 'measurement' }, { value: 21, reported_ms: NOW - STALE_AFTER_MS - 1 }, 'stale'))
  it('a switch may rest for years', () => check({ component: 'switch' }, { value: true, reported_ms: 1 }, 'on'))
})

describe('values in words', () => {
  const check = (of: Partial<Entity>, value: State['value'], expected: string) => expect(valueLine(entity(of), value)).toBe(expected)
  it('have their unit behind a narrow space', () => check({ unit: '°C', precision: 1 }, 21.46, '21.5\u202f°C'))
  it('follow the device class', () => {
    check({ component: 'binary_sensor', device_class: 'window' }, true, 'Open')
    check({ component: 'binary_sensor', device_class: 'motion' }, false, 'Clear')
    check({ component: 'switch', device_class: 'outlet' }, true, 'On')
  })
  it('make the words of a known kind readable', () => {
    check({ component: 'climate' }, 'heat_cool', 'Heat cool')
    check({ component: 'cover' }, 'open', 'Open')
  })
  it('leave a text of the device as it is', () => {
    check({}, 'wash_2 done', 'wash_2 done')
    check({ component: 'select', options: ['eco_mode'] }, 'eco_mode', 'eco_mode')
  })
  it('are a dash when unknown', () => check({}, null, '–'))
})

describe('names', () => {
  it('say the device once', () => {
    expect(fullName(entity({ name: 'Power' }), device({ name: 'Plug' }))).toBe('Plug Power')
    expect(fullName(entity({ name: 'Plug Power' }), device({ name: 'Plug' }))).toBe('Plug Power')
    expect(fullName(entity({ name: 'Plug' }), device({ name: 'Plug' }))).toBe('Plug')
    expect(shortName(entity({ name: 'Plug power' }), device({ name: 'Plug' }))).toBe('Power')
  })
})

it('what takes one command for both is a switch too', () => {
  const spec = { topic: 't', payload: '', qos: 0, retain: false }
  expect(isSwitch(entity({ component: 'light', commands: { set: spec } }))).toBe(true)
  expect(isSwitch(entity({ component: 'number', commands: { set: spec } }))).toBe(false)
})

describe('colours', () => {
  it('stay with their entity', () => expect(seriesFor(['a.b']).get('a.b')).toBe(seriesOf('a.b')))
  it('are not used twice while there are eight', () => {
    const given = seriesFor(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])
    expect(new Set(given.values()).size).toBe(8)
  })
})
