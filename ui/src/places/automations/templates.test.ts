import { describe, expect, it } from 'vitest'
import type { Entity } from '../../lib/api.gen'
import { nameIn, TEMPLATES, thingsOf } from './templates'

const entity = (id: string, more: Partial<Entity>): Entity => ({ id, commands: {}, device_class: null, component: 'sensor', ...more }) as Entity

const commands = { turn_on: {}, turn_off: {} } as never

describe('examples', () => {
  it('speak of this home', () => {
    const things = thingsOf([
      { entity: entity('a.t', { device_class: 'temperature' }), value: 21.3 },
      { entity: entity('b.t', { device_class: 'temperature' }), value: 9 },
      { entity: entity('c.door', { component: 'binary_sensor', device_class: 'door' }), value: false },
      { entity: entity('d.fridge', { component: 'switch', commands }), value: true },
      { entity: entity('e.lamp', { component: 'light', commands }), value: true },
    ])
    expect(things).toEqual({ number: 'a.t', bound: 24, contact: 'c.door', switchable: 'e.lamp' })
    expect(TEMPLATES[0]?.source(things)).toContain('above("a.t", 24)')
  })
  it('stand on their own in an empty home', () => expect(thingsOf([]).bound).toBe(25))
})

describe('the name of a script', () => {
  const check = (source: string, expected: string) => expect(nameIn(source)).toBe(expected)
  it('is its first comment line', () => {
    check('// Keep it cool\non(', 'Keep it cool')
    check('let a = 1;\n\n  /// Later \n', 'Later')
    check('//\n', 'New automation')
  })
})
