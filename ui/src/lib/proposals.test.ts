import { describe, expect, it } from 'vitest'
import type { ProposalView, ProposedEntity } from './api.gen'
import { briefly, dismissedOf, holds, kindOf, proposalOf } from './proposals.svelte'

const entity = (topic: string, more: Partial<ProposedEntity> = {}): ProposedEntity => ({
  key: topic, name: 'Relay', component: 'switch', unit: null, device_class: null, state_class: null, topic, path: null,
  command_topic: null, confidence: 'clear', wanted: true, why: [], samples: [], messages: 3, since_ms: 1, last_ms: 2, ...more,
})
const proposal = (root: string, entities: ProposedEntity[]): ProposalView => ({
  id: `pump ${root}`, root, name: 'Pump', user: 'pump', client_id: 'c', device: null, area: null, presence: null, entities, more_entities: 0, since_ms: 1, last_ms: 2,
})

describe('what a topic belongs to', () => {
  const list = [proposal('garden/pump1', [entity('garden/pump1/state', { command_topic: 'garden/pump1/relay/set' })]), proposal('', [entity('alone')])]
  it.each([
    ['garden/pump1/state', 'garden/pump1'], ['garden/pump1/relay/set', 'garden/pump1'], ['garden/pump1/other', 'garden/pump1'],
    ['alone', ''], ['garden/pump10/state', undefined],
  ])('%s', (topic, root) => expect(proposalOf(topic, list)?.root).toBe(root))

  it.each([
    ['garden/pump1/state', 2], ['garden/pump1/moisture', 1], ['garden/pump10/state', 0],
  ])('%s was dismissed', (topic, count) => {
    const dismissed = [{ id: 'pump garden/pump1', key: null, name: 'Pump', dismissed_ms: 1 }, { id: 'pump garden/pump1', key: 'garden/pump1/state#temp', name: 'Pump: Temperature', dismissed_ms: 1 }]
    expect(dismissedOf(topic, dismissed)).toHaveLength(count)
  })
})

describe('an entity in brief', () => {
  it.each([
    [entity('t'), 'Relay (switch)'],
    [entity('t', { name: 'Temperature', component: 'sensor', state_class: 'measurement', unit: '°C' }), 'Temperature °C'],
    [entity('t', { name: 'Moisture', component: 'sensor', state_class: 'measurement' }), 'Moisture (number)'],
  ])('%#', (one, text) => expect(briefly(one)).toBe(text))
  it('counts', () => expect(kindOf({ component: 'sensor', state_class: 'total_increasing' })).toBe('counter'))
})

describe('what was just done with a proposal', () => {
  const dismissed = { id: 'pump garden', key: null, name: 'Pump', dismissed_ms: 1 }
  it('is told while it is dismissed, and no more once it is restored', () => {
    const done = { name: 'Pump', id: 'pump garden' }
    expect(holds(done, new Set(), [dismissed])).toBe(true)
    expect(holds(done, new Set(), [{ ...dismissed, key: 'garden#t' }])).toBe(false)
    expect(holds(done, new Set(), [])).toBe(false)
  })
  it('is told while the device is there', () => {
    const done = { name: 'Pump', device: 'pump' }
    expect([holds(done, new Set(['pump']), []), holds(done, new Set(), [])]).toEqual([true, false])
  })
})
