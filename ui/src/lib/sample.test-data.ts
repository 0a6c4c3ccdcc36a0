import type { Device, Entity, Frame, State } from './api.gen'

/** Whole things for tests, so that each test names only what it is about. */
export const device = (over: Partial<Device> = {}): Device => ({
  id: 'plug', identities: ['mac:A1'], profile: 'tasmota', name: 'Plug', name_by_owner: false, area: null, manufacturer: null, model: null,
  sw_version: null, hw_version: null, mac: null, ip: null, url: null, credential: null, demo: false, first_seen_ms: 1, ...over,
})

export const entity = (over: Partial<Entity> = {}): Entity => ({
  id: 'plug.power', device: 'plug', name: 'Power', name_by_owner: false, by_hand: false, unique_id: 'power', component: 'sensor',
  announced_name: 'Power', unit: null, device_class: null, state_class: null, icon: null, category: null, precision: null, options: [],
  min: null, max: null, step: null, expire_after_s: null, off_delay_s: null, force_update: false, assumed_state: false, sources: [], commands: {},
  availability: { mode: 'latest', sources: [], sleepy: false }, ...over,
})

export const state = (over: Partial<State> = {}): State => ({
  value: null, availability: 'available', since_ms: 0, reported_ms: 0, topic: null, message_id: null, cause: null, ...over,
})

export const frame = (over: Partial<Frame> = {}): Frame => ({
  states: [], commands: [], devices: [], entities: [], devices_removed: [], entities_removed: [], areas_changed: false, automations_changed: false,
  connected: [], disconnected: [], runs: [], script_log: [], activity: [], resync: false, ...over,
})
