import { featuresOf, numberOf, textOf, worded } from '../../lib/entity'
import { number, THIN } from '../../lib/format'
import type { LiveEntity } from '../../lib/live.svelte'
import { digitsOf } from './number'
import { can, tell, wordOf } from './told'

export interface Scale {
  min: number
  max: number
  step: number
}

/** A target somebody can set. */
export interface Target {
  /** `target`, or the `low target` and the `high target`. */
  name: string
  now: number | null
  set: (value: number) => void
}

/** Where a board says nothing, as Home Assistant has it. */
const CELSIUS: Scale = { min: 7, max: 35, step: 1 }
const HUMIDITY: [number, number] = [0, 100]

/** What keeps a humidity, and not a temperature. */
const isHumid = (entity: LiveEntity): boolean => entity.entity.component === 'humidifier'

/** The targets it is kept to: one, or a low and a high one when that is what it says, or all it takes. */
export function targetsOf(entity: LiveEntity): Target[] {
  const { state } = entity
  if (isHumid(entity)) return humidityOf(entity)
  const low = numberOf(state, 'target_temp_low')
  const high = numberOf(state, 'target_temp_high')
  const one: Target[] = can(entity, 'set_temperature')
    ? [{ name: 'target', now: numberOf(state, 'temperature'), set: (value) => tell(entity, 'set_temperature', value) }]
    : []
  if (!can(entity, 'set_temperature_low') || !can(entity, 'set_temperature_high')) return one
  if (one.length > 0 && one[0]!.now !== null && (low === null || high === null || wordOf(entity) !== 'heat_cool')) return one
  return [
    { name: 'low target', now: low, set: (value) => tell(entity, 'set_temperature', null, { target_temp_low: value }) },
    { name: 'high target', now: high, set: (value) => tell(entity, 'set_temperature', null, { target_temp_high: value }) },
  ]
}

export function humidityOf(entity: LiveEntity): Target[] {
  return can(entity, 'set_humidity')
    ? [{ name: 'humidity', now: numberOf(entity.state, 'humidity'), set: (value) => tell(entity, 'set_humidity', value) }]
    : []
}

export function humidityScale(entity: LiveEntity): Scale {
  const [min, max] = featuresOf(entity.entity, 'climate')?.humidity ?? HUMIDITY
  return { min, max, step: 1 }
}

export function scaleOf(entity: LiveEntity): Scale {
  const { min, max, step } = entity.entity
  return isHumid(entity) ? humidityScale(entity) : { min: min ?? CELSIUS.min, max: max ?? CELSIUS.max, step: step ?? CELSIUS.step }
}

export const presentOf = (entity: LiveEntity): number | null => numberOf(entity.state, isHumid(entity) ? 'current_humidity' : 'current_temperature')

/** A number of its scale with its unit; what is measured may be finer than what can be set. */
export function degrees(entity: LiveEntity, value: number): string {
  if (isHumid(entity)) return `${number(value, 0)}${THIN}%`
  const digits = Math.max(digitsOf(scaleOf(entity).step), Number.isInteger(value) ? 0 : 1)
  return `${number(value, digits)}${THIN}${entity.entity.unit ?? '°'}`
}

/** What it does right now, in a word. */
export function doing(entity: LiveEntity): string {
  const action = textOf(entity.state, isHumid(entity) ? 'action' : 'hvac_action')
  if (action) return worded(action)
  if (entity.state.value === true) return 'On'
  if (entity.state.value === false) return 'Off'
  return worded(wordOf(entity) ?? '')
}

const AT_REST = ['off', 'idle']
export function isAtWork(entity: LiveEntity): boolean {
  const action = textOf(entity.state, isHumid(entity) ? 'action' : 'hvac_action')
  if (action) return !AT_REST.includes(action)
  return entity.state.value === true || (wordOf(entity) ?? 'off') !== 'off'
}

export const isCooling = (entity: LiveEntity): boolean =>
  textOf(entity.state, 'hvac_action') === 'cooling' || (textOf(entity.state, 'hvac_action') === null && wordOf(entity) === 'cool')
