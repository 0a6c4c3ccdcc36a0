import { automationName } from '../../lib/automations.svelte'
import { fullName, valueLine } from '../../lib/entity'
import { plain } from '../../lib/format'
import { live } from '../../lib/live.svelte'
import type { Names } from './run'

/** Names of this home's things; read in an effect or template they follow renames. */
export function homeNames(): Names {
  return {
    entity(id) {
      const found = live.entities.get(id)
      return found ? fullName(found.entity, live.devices.get(found.entity.device)) : id
    },
    value(id, value) {
      const found = live.entities.get(id)
      if (!found) return plain(value)
      const line = valueLine(found.entity, value)
      // Within a sentence: "Hall door became open".
      return typeof value === 'boolean' ? line.toLocaleLowerCase() : line
    },
    automation: automationName,
  }
}
