import { featuresOf } from '../../lib/entity'
import type { LiveEntity } from '../../lib/live.svelte'
import { fits, patternWords } from './pattern'

/** Most characters of a code. */
export const CODE_CHARS_MAX = 64

/** Whether the lock takes a code, and whether it wants one: its form then has no room for none. */
export function codeOf(entity: LiveEntity): { takes: boolean; wants: boolean } {
  const features = featuresOf(entity.entity, 'lock')
  return { takes: features !== null, wants: features !== null && features.code_format !== null && !fits(features.code_format, '', false) }
}

/** What is wrong with a code, in words; `null` when it may be tried. */
export function troubleOf(entity: LiveEntity, code: string): string | null {
  const form = featuresOf(entity.entity, 'lock')?.code_format ?? null
  if (form === null || fits(form, code, false)) return null
  const words = patternWords(form)
  if (code === '') return words ? `Type its code first. It has ${words}.` : 'Type its code first.'
  return words ? `Its code has ${words}.` : `This is no code of this lock. It takes only codes of the form ${form}.`
}
