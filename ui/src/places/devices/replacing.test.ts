import { describe, expect, it } from 'vitest'
import type { Device } from '../../lib/api.gen'
import { candidates } from './replacing'

const board = (id: string, more: Partial<Device> = {}): Device =>
  ({ id, identities: [], profile: 'tasmota', name: id, name_by_owner: false, area: null, manufacturer: null, model: 'Plug', sw_version: null, hw_version: null, mac: null, ip: null, url: null, credential: null, demo: false, first_seen_ms: 1, ...more })

describe('boards that may take the place of another', () => {
  const check = (others: Device[], expected: string[]) => expect(candidates(board('old'), others).map(({ id }) => id)).toEqual(expected)
  it('are never itself, made by hand, or of the demo', () =>
    check([board('old'), board('hand', { profile: 'by-hand' }), board('demo', { demo: true }), board('new')], ['new']))
  it('come with the likeliest first', () =>
    check([board('far', { profile: 'wled', model: null, first_seen_ms: 9 }), board('kin', { model: 'Bulb', first_seen_ms: 2 }), board('twin'), board('newer', { first_seen_ms: 5 })], ['newer', 'twin', 'kin', 'far']))
})
