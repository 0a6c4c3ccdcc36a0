import { featuresOf } from '../../lib/entity'
import type { LiveEntity } from '../../lib/live.svelte'

/** Most characters of a code. */
export const CODE_CHARS_MAX = 64

/** Whether the lock takes a code, and whether it wants one: its form then has no room for none. */
export function codeOf(entity: LiveEntity): { takes: boolean; wants: boolean } {
  const features = featuresOf(entity.entity, 'lock')
  return { takes: features !== null, wants: features !== null && features.code_format !== null && !fits(features.code_format, '') }
}

/** Forms are written for another program: one this browser cannot read is left to the hub. */
function fits(form: string, code: string): boolean {
  try {
    return new RegExp(`^(?:${form})`).test(code)
  } catch {
    return true
  }
}

/** What is wrong with a code, in words; `null` when it may be tried. */
export function troubleOf(entity: LiveEntity, code: string): string | null {
  const form = featuresOf(entity.entity, 'lock')?.code_format ?? null
  if (form === null || fits(form, code)) return null
  return code === '' ? 'It wants its code first.' : `The code has another form: it must match ${form}.`
}
