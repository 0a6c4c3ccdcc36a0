import { SvelteMap } from 'svelte/reactivity'
import type { ColorMode } from '../../lib/api.gen'
import { featuresOf, numberOf } from '../../lib/entity'
import type { LiveEntity } from '../../lib/live.svelte'
import { can, tell } from './told'

/** As Home Assistant counts brightness and channels. */
export const FULL = 255

export const COLORS: readonly ColorMode[] = ['hs', 'rgb', 'rgbw', 'rgbww', 'xy']

/** Can be made darker. One without features tells by what it has. */
export function isDimmable(entity: LiveEntity): boolean {
  const features = featuresOf(entity.entity, 'light')
  if (features) return features.brightness || features.color_modes.some((mode) => mode !== 'onoff')
  return can(entity, 'set_brightness') || numberOf(entity.state, 'brightness') !== null
}

/** How long lamps take for what is set of them here, seconds, by entity; those that are not in it change at once. */
const fades = new SvelteMap<string, number>()
/** Longest fade that is offered, seconds. */
export const FADE_S_MAX = 60

export const fadeOf = (entity: LiveEntity): number => fades.get(entity.id) ?? 0
export const setFade = (entity: LiveEntity, seconds: number): void => void (seconds > 0 ? fades.set(entity.id, seconds) : fades.delete(entity.id))

/** What goes along with every wish: the fade, where one is set. */
const along = (entity: LiveEntity): Record<string, unknown> => (fades.has(entity.id) ? { transition: fadeOf(entity) } : {})

export const shine = (entity: LiveEntity, attributes: Record<string, unknown>): void => tell(entity, 'turn_on', null, { ...attributes, ...along(entity) })

export const flash = (entity: LiveEntity, flash: 'short' | 'long'): void => tell(entity, 'turn_on', null, { flash })

export const switchOn = (entity: LiveEntity, on: boolean): void => tell(entity, on ? 'turn_on' : 'turn_off', null, along(entity))

export function dim(entity: LiveEntity, brightness: number): void {
  if (can(entity, 'set_brightness')) tell(entity, 'set_brightness', brightness)
  else shine(entity, { brightness })
}
