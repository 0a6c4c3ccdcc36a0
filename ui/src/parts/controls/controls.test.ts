import { describe, expect, it } from 'vitest'
import type { CommandSpec, Component, Entity, State } from '../../lib/api.gen'
import { LiveEntity } from '../../lib/live.svelte'
import { entity, state } from '../../lib/sample.test-data'
import { wantsCode } from './alarm'
import { paramsOf } from './cleaner'
import { degrees, doing, isAtWork, targetsOf } from './climate'
import { speedsOf } from './fan'
import { formsOf } from './kinds'
import { isDimmable } from './light'
import { codeOf, troubleOf } from './lock'
import { numberTrouble, sliderScale } from './number'
import { patternWords } from './pattern'
import { textTrouble } from './text'

const spec: CommandSpec = { topic: 't', payload: '', qos: 0, retain: false }
const verbs = (...names: string[]): Entity['commands'] => Object.fromEntries(names.map((name) => [name, spec]))
const live = (of: Partial<Entity>, now: Partial<State> = {}): LiveEntity => new LiveEntity(entity(of), state(now))

describe('the form of a control', () => {
  const check = (component: Component, commands: string[], expected: string) =>
    expect(Object.keys(formsOf(entity({ component, commands: verbs(...commands) }))).filter((key) => !['covers', 'says'].includes(key)).sort().join(' ')).toBe(expected)
  it('is its kind\'s', () => {
    check('light', ['turn_on', 'turn_off'], 'below beside whole')
    check('lock', ['lock', 'unlock'], 'beside whole')
  })
  it('is none for what cannot be told anything', () => {
    check('light', [], '')
    check('sensor', [], '')
  })
  it('is a toggle for a sensor that can be switched', () => check('sensor', ['turn_on', 'turn_off'], 'beside'))
  it('is what is known for what only reports', () => check('event', [], 'whole'))
})

describe('targets of a thermostat', () => {
  const BOTH = verbs('set_temperature', 'set_temperature_low', 'set_temperature_high')
  const check = (commands: Entity['commands'], value: string, attributes: Record<string, unknown>, expected: [string, number | null][]) =>
    expect(targetsOf(live({ component: 'climate', commands }, { value, attributes })).map(({ name, now }) => [name, now])).toEqual(expected)
  it('are one', () => check(verbs('set_temperature'), 'heat', { temperature: 21 }, [['target', 21]]))
  it('are two when it keeps between them', () =>
    check(BOTH, 'heat_cool', { temperature: 21, target_temp_low: 19, target_temp_high: 24 }, [['low target', 19], ['high target', 24]]))
  it('are one again when it heats', () => check(BOTH, 'heat', { temperature: 21, target_temp_low: 19, target_temp_high: 24 }, [['target', 21]]))
  it('are two when it takes nothing else', () => check(verbs('set_temperature_low', 'set_temperature_high'), 'heat', {}, [['low target', null], ['high target', null]]))
  it('are a humidity of a humidifier', () =>
    expect(targetsOf(live({ component: 'humidifier', commands: verbs('set_humidity') }, { value: true, attributes: { humidity: 45 } })).map(({ now }) => now)).toEqual([45]))
})

describe('what a thermostat does', () => {
  const check = (value: State['value'], attributes: Record<string, unknown>, word: string, atWork: boolean) => {
    const one = live({ component: 'climate' }, { value, attributes })
    expect([doing(one), isAtWork(one)]).toEqual([word, atWork])
  }
  it('is what it says it does', () => check('heat', { hvac_action: 'idle' }, 'Idle', false))
  it('or its mode', () => {
    check('heat', {}, 'Heat', true)
    check('off', {}, 'Off', false)
  })
  it('is measured finer than it is set', () => {
    const one = live({ component: 'climate', unit: '°C', step: 1 })
    expect([degrees(one, 21), degrees(one, 20.3)]).toEqual(['21\u202f°C', '20.3\u202f°C'])
  })
})

describe('a slider', () => {
  const check = (of: Partial<Entity>, expected: ReturnType<typeof sliderScale>) => expect(sliderScale(entity({ component: 'number', ...of }))).toEqual(expected)
  it('has the scale of its number', () => check({ min: 0, max: 10, step: 0.5 }, { min: 0, max: 10, step: 0.5 }))
  it('goes by whole numbers where nothing is said', () => check({ min: 1, max: 100 }, { min: 1, max: 100, step: 1 }))
  it('is none where a finger could not hit the steps, or there are no ends', () => {
    check({ min: 0, max: 10_000, step: 1 }, null)
    check({ min: 0 }, null)
  })
})

describe('a typed number', () => {
  const check = (of: Partial<Entity>, value: number | null, expected: string | null) => expect(numberTrouble(entity({ component: 'number', ...of }), 'Delay', value)).toBe(expected)
  const STEPS = { min: 0, max: 60, step: 5 }
  it('is taken where the device has it', () => {
    for (const value of [0, 30, 60]) check(STEPS, value, null)
    check({ min: 0.1, max: 1, step: 0.1 }, 0.3, null)
    check({}, 1234.5, null)
  })
  it('is told what to type instead', () => {
    check(STEPS, 33, 'Delay takes steps of 5 from 0 to 60. Type 30 or 35.')
    check(STEPS, 500, 'Delay takes steps of 5 from 0 to 60. Type 60 or less.')
    check(STEPS, -5, 'Delay takes steps of 5 from 0 to 60. Type 0 or more.')
    check(STEPS, null, 'Delay takes steps of 5 from 0 to 60. Type a number.')
    check({ min: 1, max: 9, step: 5 }, 8, 'Delay takes steps of 5 from 1 to 9. Type 6.')
    check({ min: 0, step: 1 }, 2.5, 'Delay takes whole numbers from 0 up. Type 2 or 3.')
    check({ max: 1.5 }, 2, 'Delay takes numbers up to 1.5. Type 1.5 or less.')
  })
})

describe('a typed text', () => {
  const check = (of: Partial<Entity>, pattern: string | null, text: string, expected: string | null) =>
    expect(textTrouble(entity({ component: 'text', name: 'Greeting', commands: verbs('set'), features: { of: 'text', pattern, password: false }, ...of }), text)).toBe(expected)
  it('has its length and its form', () => {
    check({}, null, '', null)
    check({ commands: verbs('send') }, null, '', 'Greeting takes no empty text. Type 1 character or more.')
    check({ min: 3 }, null, 'Hi', 'Greeting takes 3 characters or more, and this has 2. Type 1 more.')
    check({ max: 4 }, null, 'Hello', 'Greeting takes at most 4 characters, and this has 5. Take 1 away.')
    check({}, '[0-9]{4}', '12345', 'Greeting takes 4 digits. Type it anew.')
    check({}, 'a|b', 'c', 'Greeting takes only text of the form a|b.')
    check({}, '(?i)x', 'c', null)
  })
})

it('a simple pattern is told in words', () => {
  const check = (pattern: string, expected: string | null) => expect(patternWords(pattern)).toBe(expected)
  check('^\\d{4}$', '4 digits')
  check('[0-9]{4,8}', '4 to 8 digits')
  check('\\d{4,}', '4 or more digits')
  check('\\d+', '1 or more digits')
  check('^[A-Z]$', '1 capital letter')
  check('[A-Za-z0-9]*', 'only letters or digits')
  check('^(on|off)$', null)
})

it('few speeds of a fan are counted, many are a scale', () => {
  expect(speedsOf(live({ component: 'fan', step: 100 / 3 }))).toEqual([33, 67, 100])
  expect(speedsOf(live({ component: 'fan', step: 1 }))).toBeNull()
})

it('a light is dimmed when it has anything beside on and off', () => {
  const features = (color_modes: ('onoff' | 'hs')[]): Entity['features'] => ({
    of: 'light', schema: 'json', color_modes, reports_color_mode: false, brightness: false, reports_brightness: false, brightness_scale: 255, white_scale: 255,
    kelvin: false, transition: false, min_kelvin: 2000, max_kelvin: 6535, effects: false, off_until_told: false, on_command: 'last', flash_s: null,
  })
  expect(isDimmable(live({ component: 'light', features: features(['onoff']) }))).toBe(false)
  expect(isDimmable(live({ component: 'light', features: features(['hs']) }))).toBe(true)
  expect(isDimmable(live({ component: 'light', commands: verbs('turn_on', 'set_brightness') }))).toBe(true)
})

it('an alarm wants its code only for what needs it', () => {
  const one = live({
    component: 'alarm_control_panel',
    features: { of: 'alarm', code: null, wants_code: true, code_arm_required: false, code_disarm_required: true, code_trigger_required: true },
  })
  expect(['arm_home', 'disarm', 'trigger'].map((verb) => wantsCode(one, verb))).toEqual([false, true, true])
})

describe('the code of a lock', () => {
  const lock = (code_format: string | null) => live({ component: 'lock', features: { of: 'lock', code_format } })
  it('is asked for where it is taken, and wanted where its form has no room for none', () => {
    expect(codeOf(live({ component: 'lock' }))).toEqual({ takes: false, wants: false })
    expect(codeOf(lock(null))).toEqual({ takes: true, wants: false })
    expect(codeOf(lock('^\\d{4}$'))).toEqual({ takes: true, wants: true })
  })
  it('has the form the lock announced', () => {
    const check = (form: string | null, code: string, expected: string | null) => expect(troubleOf(lock(form), code)).toBe(expected)
    check('^\\d{4}$', '0815', null)
    check('^\\d{4}$', '12', 'Its code has 4 digits.')
    check('^\\d{4}$', '', 'Type its code first. It has 4 digits.')
    check('^(\\d{4}|x+)$', '', 'Type its code first.')
    check('^(\\d{4}|x+)$', '12', 'This is no code of this lock. It takes only codes of the form ^(\\d{4}|x+)$.')
    check(null, '', null)
    check('(?i)what another program reads', 'x', null)
  })
})

it('parameters of a command are an object or nothing', () => {
  const check = (text: string, expected: Record<string, unknown> | null) => expect(paramsOf(text)).toEqual(expected)
  check(' ', {})
  check('{"repeat": 2}', { repeat: 2 })
  check('[1]', null)
  check('{', null)
})
