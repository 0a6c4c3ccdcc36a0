import type { Component, Device, Entity, Features, State, Value } from './api.gen'
import { DASH, number, THIN } from './format'

/** How a state is told, everywhere the same way. */
export type Telling = 'on' | 'off' | 'value' | 'unknown' | 'unavailable' | 'asleep' | 'stale'

/** A measurement that nothing repeated for so long fades, even when its device promised no interval. */
export const STALE_AFTER_MS = 24 * 60 * 60 * 1000

export function telling(entity: Entity, state: State, nowMs: number): Telling {
  if (state.availability === 'unavailable') return 'unavailable'
  if (state.value === null) return state.availability === 'asleep' ? 'asleep' : 'unknown'
  if (state.availability === 'asleep') return 'asleep'
  if (isStale(entity, state, nowMs)) return 'stale'
  if (typeof state.value === 'boolean') return state.value ? 'on' : 'off'
  if (RESTING[entity.component]) return isResting(entity, state.value) ? 'off' : 'on'
  return 'value'
}

/** Nothing goes on: off, closed, docked. */
export const isResting = (entity: Entity, value: Value): boolean => value === false || (RESTING[entity.component]?.includes(String(value)) ?? false)

/** States of kinds with words of their own in which nothing goes on; in every other they are at work. */
const RESTING: Partial<Record<Component, readonly string[]>> = {
  alarm_control_panel: ['disarmed'],
  climate: ['off'],
  cover: ['closed'],
  lawn_mower: ['docked'],
  lock: ['locked'],
  vacuum: ['docked', 'idle'],
  valve: ['closed'],
  water_heater: ['off'],
}

function isStale(entity: Entity, state: State, nowMs: number): boolean {
  const age = nowMs - state.reported_ms
  if (entity.expire_after_s !== null) return age > entity.expire_after_s * 1000
  return typeof state.value === 'number' && entity.state_class === 'measurement' && age > STALE_AFTER_MS
}

/** How far a stale value has faded, 0 to 1: a little at once, wholly after [`FADED_AFTER`] times what it had. */
const FADED_AFTER = 7
export function fade(entity: Entity, state: State, nowMs: number): number {
  const had = entity.expire_after_s !== null ? entity.expire_after_s * 1_000 : STALE_AFTER_MS
  return Math.min(1, Math.max(0, (nowMs - state.reported_ms - had) / (had * (FADED_AFTER - 1))))
}

/** Words for yes and no by device class, as Home Assistant's documentation lists the classes. */
const WORDS: Record<string, [on: string, off: string]> = {
  battery: ['Low', 'Normal'],
  battery_charging: ['Charging', 'Not charging'],
  carbon_monoxide: ['Detected', 'Clear'],
  cold: ['Cold', 'Normal'],
  connectivity: ['Connected', 'Disconnected'],
  door: ['Open', 'Closed'],
  garage_door: ['Open', 'Closed'],
  gas: ['Detected', 'Clear'],
  heat: ['Hot', 'Normal'],
  light: ['Light', 'Dark'],
  lock: ['Unlocked', 'Locked'],
  moisture: ['Wet', 'Dry'],
  motion: ['Motion', 'Clear'],
  moving: ['Moving', 'Still'],
  occupancy: ['Occupied', 'Clear'],
  opening: ['Open', 'Closed'],
  plug: ['Plugged in', 'Unplugged'],
  presence: ['Home', 'Away'],
  problem: ['Problem', 'OK'],
  running: ['Running', 'Stopped'],
  safety: ['Unsafe', 'Safe'],
  smoke: ['Smoke', 'Clear'],
  sound: ['Sound', 'Quiet'],
  tamper: ['Tampered', 'OK'],
  vibration: ['Vibration', 'Still'],
  window: ['Open', 'Closed'],
}

/** What may need somebody: these tell "on" as a warning, not as something alive. */
const ALARMING = new Set(['battery', 'carbon_monoxide', 'gas', 'moisture', 'problem', 'safety', 'smoke', 'tamper'])
export const isAlarming = (entity: Entity): boolean =>
  entity.component === 'binary_sensor' && entity.device_class !== null && ALARMING.has(entity.device_class)

/** Words of kinds that may need somebody too. */
const ALARMS: Partial<Record<Component, readonly string[]>> = {
  alarm_control_panel: ['pending', 'triggered'],
  lawn_mower: ['error'],
  lock: ['jammed'],
  vacuum: ['error'],
}
/** Says right now something that may need somebody. */
export const isAlarm = (entity: Entity, state: State): boolean =>
  (state.value === true && isAlarming(entity)) || (ALARMS[entity.component]?.includes(String(state.value)) ?? false)

/** Kinds whose states are Home Assistant's own words, such as `heat_cool`; other texts are the device's and stay as they are. */
const WORDED: readonly Component[] = ['alarm_control_panel', 'climate', 'cover', 'lawn_mower', 'lock', 'vacuum', 'valve', 'water_heater']

/** A word of Home Assistant's as people write it: `heat_cool` is `Heat cool`. */
export function worded(word: string): string {
  const text = word.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

const ZONES: Record<string, string> = { home: 'Home', not_home: 'Away' }
/** A secret has no length to tell. */
const HIDDEN = '••••••'

/** Number and unit apart, because the unit is written small beside it. */
export interface ValueText {
  text: string
  unit: string
}

export function valueText(entity: Entity, value: Value | null): ValueText {
  if (value === null) return { text: DASH, unit: '' }
  if (typeof value === 'number') return { text: number(value, entity.precision), unit: entity.unit ?? '' }
  if (typeof value === 'boolean') {
    if (entity.component === 'update') return { text: value ? 'New version' : 'Up to date', unit: '' }
    const words = entity.component === 'binary_sensor' && entity.device_class ? WORDS[entity.device_class] : undefined
    return { text: words ? words[value ? 0 : 1] : value ? 'On' : 'Off', unit: '' }
  }
  if (value === '') return { text: DASH, unit: '' }
  if (entity.component === 'image' || entity.component === 'camera') return { text: 'Picture', unit: '' }
  if (entity.component === 'device_tracker' && ZONES[value]) return { text: ZONES[value], unit: '' }
  if (entity.component === 'text' && featuresOf(entity, 'text')?.password) return { text: HIDDEN, unit: '' }
  // Their unit is the one of their targets; the state is a mode.
  if (WORDED.includes(entity.component)) return { text: worded(value), unit: '' }
  return { text: value, unit: entity.unit ?? '' }
}

/** One text, such as `21.5 °C`. */
export function valueLine(entity: Entity, value: Value | null): string {
  const { text, unit } = valueText(entity, value)
  return unit ? `${text}${THIN}${unit}` : text
}

/** Tasmota announces what a plug measures under the key of its message, such as `ENERGY Power`, which says nothing to a person. */
const KEYED = /^ENERGY (?=\S)/

/** Its name, as people say it: what the owner called it is left alone. */
const said = ({ name, name_by_owner }: Entity): string => (name_by_owner ? name : name.replace(KEYED, ''))

/** What the entity is called when its device is not named beside it. */
export function fullName(entity: Entity, device: Device | undefined): string {
  const name = said(entity)
  return !device || name.startsWith(device.name) ? name : `${device.name} ${name}`
}

/** What the entity is called next to its device's name. */
export function shortName(entity: Entity, device: Device | undefined): string {
  const name = said(entity)
  if (!device || name.length <= device.name.length + 1 || !name.startsWith(`${device.name} `)) return name
  const rest = name.slice(device.name.length + 1).replace(KEYED, '')
  return rest.charAt(0).toUpperCase() + rest.slice(1)
}

/** All that a device has, taken together: gone or asleep is a device whose every entity is. */
export function wholeOf(states: readonly State[]): State['availability'] {
  const [first] = states
  if (!first || states.some(({ availability }) => availability === 'available')) return 'available'
  return states.every(({ availability }) => availability === 'unavailable') ? 'unavailable' : 'asleep'
}

/** When a sleeper is due, UTC ms, by what it promised or by its habit; `null` when nothing is known. */
export function nextWake(entity: Entity, state: State, reportsMs: readonly number[] = []): number | null {
  const pauses = reportsMs.slice(1).map((ms, at) => ms - reportsMs[at]!).filter((pause) => pause > 0).sort((a, b) => a - b)
  const usual = pauses[Math.floor(pauses.length / 2)]
  if (usual !== undefined && state.reported_ms > 0) return state.reported_ms + usual
  return entity.expire_after_s !== null && state.reported_ms > 0 ? state.reported_ms + entity.expire_after_s * 1_000 : null
}

/** What it says is a picture: it has no value to write and no course to draw. */
export const isPicture = (entity: Entity): boolean => entity.features?.of === 'picture'

export const isNumeric = (entity: Entity, state: State): boolean =>
  typeof state.value === 'number' || (state.value === null && (entity.unit !== null || entity.state_class !== null))

export const isOnOff = (entity: Entity, state: State): boolean =>
  typeof state.value === 'boolean' || entity.component === 'binary_sensor' || ON_OFF.includes(entity.component)

/** Their state is a mode; off is one of them. */
const MODED: readonly Component[] = ['climate', 'water_heater']
const ON_OFF: readonly Component[] = ['switch', 'light', 'fan', 'siren', 'humidifier']

/** Can be switched on and off: some announce two commands for it, some one `set` for both. */
export const isSwitch = (entity: Entity): boolean =>
  ('turn_on' in entity.commands && 'turn_off' in entity.commands && !MODED.includes(entity.component)) || ('set' in entity.commands && ON_OFF.includes(entity.component))

/** What only its kind has, if it was announced. */
export function featuresOf<Of extends Features['of']>(entity: Entity, of: Of): Extract<Features, { of: Of }> | null {
  const { features } = entity
  return features?.of === of ? (features as Extract<Features, { of: Of }>) : null
}

/** Further fields of a state, by the type they should have; `null` when the device said something else, or nothing. */
export function numberOf(state: State, name: string): number | null {
  const found = state.attributes?.[name]
  return typeof found === 'number' && Number.isFinite(found) ? found : null
}
export function textOf(state: State, name: string): string | null {
  const found = state.attributes?.[name]
  return typeof found === 'string' && found !== '' ? found : null
}
export function numbersOf(state: State, name: string): number[] | null {
  const found = state.attributes?.[name]
  return Array.isArray(found) && found.every((one) => typeof one === 'number') ? found : null
}

/** Kinds that can only be told something: they have no state, so none is missing. */
const STATELESS: readonly Component[] = ['button', 'notify', 'scene']
export const isStateless = (entity: Entity): boolean => STATELESS.includes(entity.component)

/** The same entity has the same colour in every chart; a chart moves one aside when two of it clash. */
export const SERIES = 8
export function seriesOf(entityId: string): number {
  let hash = 2166136261
  for (let at = 0; at < entityId.length; at += 1) hash = Math.imul(hash ^ entityId.charCodeAt(at), 16777619)
  return ((hash >>> 0) % SERIES) + 1
}

/** Colours for entities shown together: each its own where it can, none twice while there are eight. */
export function seriesFor(ids: string[]): Map<string, number> {
  const taken = new Set<number>()
  const given = new Map<string, number>()
  for (const id of ids) {
    let colour = seriesOf(id)
    for (let tries = 0; tries < SERIES && taken.has(colour); tries += 1) colour = (colour % SERIES) + 1
    taken.add(colour)
    given.set(id, colour)
  }
  return given
}
