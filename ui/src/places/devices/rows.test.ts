import { describe, expect, it } from 'vitest'
import { LiveEntity } from '../../lib/live.svelte'
import { device, entity, state } from '../../lib/sample.test-data'
import { matches, type Order, presence, rows } from './rows'

const areas = [{ id: 'k', name: 'Kitchen', place: 0 }, { id: 'l', name: 'Living room', place: 1 }]
const devices = [
  device({ id: 'b', name: 'Plug 10', area: 'k' }), device({ id: 'a', name: 'Plug 9', area: 'k' }), device({ id: 'c', name: 'Lamp', area: 'l' }),
  device({ id: 'd', name: 'Probe' }), device({ id: 'e', name: 'Orphan', area: 'removed' }),
]

describe('order', () => {
  const heard: Record<string, number> = { a: 1, b: 2, c: 5, d: 3, e: 4 }
  const check = (order: Order, expected: string[]) =>
    expect(rows(devices, areas, order, ({ id }) => heard[id]!).map((row) => (row.kind === 'heading' ? `${row.title} ${row.count}` : row.id))).toEqual(expected)
  it('by room, in the owner\'s order of rooms; what is in no known room comes last', () =>
    check('room', ['Kitchen 2', 'a', 'b', 'Living room 1', 'c', 'Without a room 2', 'e', 'd']))
  it('by name, numbers as numbers', () => check('name', ['c', 'e', 'a', 'b', 'd']))
  it('by when they were last heard', () => check('heard', ['c', 'e', 'd', 'b', 'a']))
})

describe('the filter', () => {
  const own = [new LiveEntity(entity({ name: 'Soil moisture' }), state({ availability: 'unavailable' }))]
  const check = (filter: string, expected: boolean) =>
    expect(matches(device({ name: 'Vegetable bed', model: 'Probe', demo: true }), 'Garden', own, filter)).toBe(expected)
  it('looks at name, room, model and entities', () => {
    check('bed', true)
    check('garden prob', true)
    check('moist', true)
    check('kitchen', false)
  })
  it('knows words of its own', () => {
    check('unavail', true)
    check('asleep', false)
    check('demo', true)
  })
})

it('a device is unavailable or asleep when all it has is', () => {
  const one = (availability: 'available' | 'unavailable' | 'asleep') => new LiveEntity(entity(), state({ availability }))
  expect(presence([one('unavailable')])).toBe('unavailable')
  expect(presence([one('asleep')])).toBe('asleep')
  expect(presence([one('available'), one('unavailable')])).toBe('available')
})
