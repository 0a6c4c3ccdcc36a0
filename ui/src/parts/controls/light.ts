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

export const shine = (entity: LiveEntity, attributes: Record<string, unknown>): void => tell(entity, 'turn_on', null, attributes)

export function dim(entity: LiveEntity, brightness: number): void {
  if (can(entity, 'set_brightness')) tell(entity, 'set_brightness', brightness)
  else shine(entity, { brightness })
}
