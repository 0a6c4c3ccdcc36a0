import { describe, expect, it } from 'vitest'
import { entity } from '../../lib/sample.test-data'
import { faults, inOrder, isActuator, NOTHING, phases, rules, summary, typed } from './guard'

describe('the relay guard', () => {
  it('is for what switches and can be told', () => {
    const commands = { turn_on: { topic: 'a', payload: 'ON', qos: 0 as const, retain: false } }
    expect(isActuator(entity({ component: 'switch', commands: commands as never }))).toBe(true)
    expect(isActuator(entity({ component: 'switch' }))).toBe(false)
    expect(isActuator(entity({ component: 'number', commands: commands as never }))).toBe(false)
  })

  it('reads and writes a form', () => {
    const all = { switches_per_minute: 4, min_off_s: 180, min_on_s: 60, interlock: 'heat' }
    expect(rules(typed(all))).toEqual(all)
    expect(rules(typed(NOTHING))).toEqual(NOTHING)
    expect(rules({ switches: ' ', off: '0', on: '', interlock: '  ' })).toEqual(NOTHING)
  })

  it.each([
    ['switches', '1', true], ['switches', '2', false], ['switches', '601', true], ['switches', 'x', true], ['switches', '', false],
    ['off', '86401', true], ['off', '1.5', true], ['on', '60', false], ['interlock', 'x'.repeat(61), true],
  ] as const)('says what is wrong with %s “%s”', (field, text, wrong) => {
    expect(faults({ ...typed(NOTHING), [field]: text })[field] !== null).toBe(wrong)
  })

  it('lists first what is not there', () => {
    const guards = [['b', 'present'], ['d', 'removed'], ['a', 'present'], ['c', 'away']] as const
    const listed = inOrder(guards.map(([id, standing]) => ({ entity: id, standing, last: null, rules: NOTHING })), ({ entity: id }) => id)
    expect(listed.map(({ entity: id }) => id)).toEqual(['c', 'd', 'a', 'b'])
  })

  it('is told in a line', () => {
    const words = phases(entity({ component: 'valve' }))
    expect(summary(NOTHING, words)).toBe('Off: nothing is limited')
    expect(summary({ switches_per_minute: 4, min_off_s: 180, min_on_s: null, interlock: 'heat' }, words)).toBe('At most 4 switches a minute, at least 180\u202fs closed, interlock “heat”')
  })
})
