import type { Entity } from '../../lib/api.gen'
import { featuresOf } from '../../lib/entity'
import { plural } from '../../lib/format'
import { fits, patternWords } from './pattern'

/** Most characters of a text that says nothing of its own; Home Assistant takes no more. */
export const TEXT_CHARS_MAX = 255

/** What a text has to be, when that is more than not too long; `null` when it is free. */
export function textWords(entity: Entity): string | null {
  const pattern = featuresOf(entity, 'text')?.pattern ?? null
  const parts = [
    pattern === null ? '' : (patternWords(pattern) ?? `text of the form ${pattern}`),
    entity.min ? `at least ${plural(entity.min, 'character')}` : '',
    entity.max !== null && entity.max < TEXT_CHARS_MAX ? `at most ${plural(entity.max, 'character')}` : '',
  ].filter(Boolean)
  return parts.length === 0 ? null : `Takes ${parts.join(', ')}.`
}

/** What is wrong with a text somebody typed, and what to type; `null` when the device takes it. */
export function textTrouble(entity: Entity, text: string): string | null {
  const length = [...text].length
  const [min, max] = [entity.min ?? ('set' in entity.commands ? 0 : 1), entity.max ?? TEXT_CHARS_MAX]
  if (length < min) return length === 0 ? `${entity.name} takes no empty text. Type ${plural(min, 'character')} or more.` : `${entity.name} takes ${plural(min, 'character')} or more, and this has ${length}. Type ${min - length} more.`
  if (length > max) return `${entity.name} takes at most ${plural(max, 'character')}, and this has ${length}. Take ${length - max} away.`
  const pattern = featuresOf(entity, 'text')?.pattern ?? null
  if (pattern === null || fits(pattern, text, true)) return null
  const words = patternWords(pattern)
  return words === null ? `${entity.name} takes only text of the form ${pattern}.` : `${entity.name} takes ${words}. Type it anew.`
}
