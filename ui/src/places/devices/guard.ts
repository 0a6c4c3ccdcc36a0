import type { Component, Entity, Guarded, GuardRules } from '../../lib/api.gen'
import { plural } from '../../lib/format'

/** The kinds that switch something. */
const ACTUATORS = new Set<Component>(['switch', 'light', 'fan', 'cover', 'valve', 'siren', 'climate', 'humidifier', 'water_heater'])

export const isActuator = (entity: Entity): boolean => ACTUATORS.has(entity.component) && Object.keys(entity.commands).length > 0

/** What on and off are called for this kind. */
export const phases = ({ component }: Entity): { on: string; off: string } =>
  component === 'cover' || component === 'valve' ? { on: 'open', off: 'closed' } : { on: 'on', off: 'off' }

/** Bounds of what can be set, as the hub has them. */
export const SWITCHES = { min: 2, max: 600 }
export const REST_S_MAX = 86_400
const INTERLOCK_CHARACTERS_MAX = 60

/** A form as it is typed. */
export interface Typed {
  switches: string
  off: string
  on: string
  interlock: string
}

export const NOTHING: GuardRules = { switches_per_minute: null, min_off_s: null, min_on_s: null, interlock: null }

export const typed = (rules: GuardRules): Typed => ({
  switches: rules.switches_per_minute?.toString() ?? '', off: rules.min_off_s?.toString() ?? '', on: rules.min_on_s?.toString() ?? '', interlock: rules.interlock ?? '',
})

/** What is wrong with each field, in words. */
export function faults({ switches, off, on, interlock }: Typed): Record<keyof Typed, string | null> {
  const whole = (text: string, min: number, max: number): boolean => text.trim() === '' || (/^\d+$/.test(text.trim()) && Number(text) >= min && Number(text) <= max)
  const rest = `Type whole seconds up to ${REST_S_MAX}, which is a day, or leave it empty.`
  return {
    switches: whole(switches, SWITCHES.min, SWITCHES.max) ? null : `Type a number from ${SWITCHES.min} to ${SWITCHES.max}, or leave it empty: what goes on has to go off again.`,
    off: whole(off, 0, REST_S_MAX) ? null : rest,
    on: whole(on, 0, REST_S_MAX) ? null : rest,
    interlock: [...interlock.trim()].length <= INTERLOCK_CHARACTERS_MAX ? null : `A name has at most ${INTERLOCK_CHARACTERS_MAX} characters.`,
  }
}

export function rules({ switches, off, on, interlock }: Typed): GuardRules {
  const number = (text: string): number | null => (text.trim() === '' || Number(text) === 0 ? null : Number(text))
  return { switches_per_minute: number(switches), min_off_s: number(off), min_on_s: number(on), interlock: interlock.trim() || null }
}

/** The limits in a line. */
export function summary(of: GuardRules, { on, off }: { on: string; off: string }): string {
  const parts = [
    of.switches_per_minute === null ? '' : `at most ${plural(of.switches_per_minute, 'switch', 'switches')} a minute`,
    of.min_off_s === null ? '' : `at least ${of.min_off_s}\u202fs ${off}`,
    of.min_on_s === null ? '' : `at least ${of.min_on_s}\u202fs ${on}`,
    of.interlock === null ? '' : `interlock “${of.interlock}”`,
  ].filter(Boolean)
  const line = parts.join(', ')
  return line === '' ? 'Off: nothing is limited' : line[0]!.toUpperCase() + line.slice(1)
}

/** First what somebody may want to free, then by name. */
export function inOrder(guards: readonly Guarded[], name: (guard: Guarded) => string): Guarded[] {
  const place = ({ standing }: Guarded): number => ['away', 'removed', 'present'].indexOf(standing)
  return [...guards].sort((a, b) => place(a) - place(b) || name(a).localeCompare(name(b)))
}
