import { describe, expect, it } from 'vitest'
import type { Entity, State } from './api.gen'
import { fade, fullName, isAlarm, isSwitch, nextWake, seriesFor, seriesOf, shortName, STALE_AFTER_MS, telling, valueLine, wholeOf } from './entity'
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
  it('what rests is quiet, what works is alive', () => {
    check({ component: 'climate' }, { value: 'heat' }, 'on')
    check({ component: 'vacuum' }, { value: 'docked' }, 'off')
    check({ component: 'alarm_control_panel' }, { value: 'disarmed' }, 'off')
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
  it('of a thermostat are modes and have no unit', () => check({ component: 'climate', unit: '°C' }, 'heat', 'Heat'))
  it('say whether there is an update, and who is home', () => {
    check({ component: 'update' }, true, 'New version')
    check({ component: 'device_tracker' }, 'not_home', 'Away')
    check({ component: 'device_tracker' }, 'Office', 'Office')
  })
  it('keep a password to themselves', () => check({ component: 'text', features: { of: 'text', pattern: null, password: true } }, 'hunter2', '••••••'))
  it('are a dash when unknown', () => check({}, null, '–'))
})

describe('what may need somebody', () => {
  const check = (of: Partial<Entity>, value: State['value'], expected: boolean) => expect(isAlarm(entity(of), state({ value }))).toBe(expected)
  it('is told by class or by word', () => {
    check({ component: 'binary_sensor', device_class: 'smoke' }, true, true)
    check({ component: 'binary_sensor', device_class: 'smoke' }, false, false)
    check({ component: 'lock' }, 'jammed', true)
    check({ component: 'lock' }, 'unlocked', false)
  })
})

describe('a whole device', () => {
  const check = (given: State['availability'][], expected: State['availability']) => expect(wholeOf(given.map((availability) => state({ availability })))).toBe(expected)
  it('is there as long as something of it is', () => {
    check([], 'available')
    check(['unavailable', 'available'], 'available')
  })
  it('is gone when all of it is', () => check(['unavailable', 'unavailable'], 'unavailable'))
  it('sleeps when nothing of it is awake', () => check(['asleep', 'unavailable'], 'asleep'))
})

describe('the next wake of a sleeper', () => {
  const asleep = state({ value: 21, availability: 'asleep', reported_ms: 100_000 })
  it('follows its habit', () => expect(nextWake(entity(), asleep, [10_000, 40_000, 70_000, 100_000])).toBe(130_000))
  it('or its promise', () => expect(nextWake(entity({ expire_after_s: 60 }), asleep)).toBe(160_000))
  it('or is not known', () => expect(nextWake(entity(), asleep)).toBeNull())
})

it('a stale value fades with its age', () => {
  const old = entity({ expire_after_s: 60 })
  expect(fade(old, state({ reported_ms: NOW - 60_000 }), NOW)).toBe(0)
  expect(fade(old, state({ reported_ms: NOW - 240_000 }), NOW)).toBe(0.5)
  expect(fade(old, state({ reported_ms: NOW - 3_600_000 }), NOW)).toBe(1)
})

describe('names', () => {
  it('say the device once', () => {
    expect(fullName(entity({ name: 'Power' }), device({ name: 'Plug' }))).toBe('Plug Power')
    expect(fullName(entity({ name: 'Plug Power' }), device({ name: 'Plug' }))).toBe('Plug Power')
    expect(fullName(entity({ name: 'Plug' }), device({ name: 'Plug' }))).toBe('Plug')
    expect(fullName(entity({ name: 'ENERGY Power' }), device({ name: 'Plug' }))).toBe('Plug Power')
    expect(shortName(entity({ name: 'ENERGY Power' }), device({ name: 'Plug' }))).toBe('Power')
    expect(shortName(entity({ name: 'ENERGY Power', name_by_owner: true }), device({ name: 'Plug' }))).toBe('ENERGY Power')
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
