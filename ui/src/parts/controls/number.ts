import type { Entity } from '../../lib/api.gen'
import { number, THIN } from '../../lib/format'

/** A finger can still hit each of so many steps; more of them are typed. */
const SLIDER_STEPS_MAX = 256

/** The scale a slider can have; `null` when the range is open, or too fine for one. */
export function sliderScale({ min, max, step }: Entity): { min: number; max: number; step: number } | null {
  if (min === null || max === null || max <= min) return null
  const each = step ?? 1
  return (max - min) / each <= SLIDER_STEPS_MAX ? { min, max, step: each } : null
}

/** Digits a step has. */
export function digitsOf(step: number): number {
  const [, digits = ''] = String(step).split('.')
  return Math.min(6, digits.length)
}

/** A value with the digits its step has, and its unit. */
export function numberText(entity: Entity, value: number): string {
  const text = number(value, entity.precision ?? (entity.step === null ? null : digitsOf(entity.step)))
  return entity.unit ? text + THIN + entity.unit : text
}

/** Steps are often written as fractions: so little beside one is none. */
const STEP_SLACK = 1e-6

/** What is wrong with a number somebody typed, and what to type; `null` when the device takes it. Nothing typed is `null`. */
export function numberTrouble({ min, max, step }: Pick<Entity, 'min' | 'max' | 'step'>, name: string, value: number | null): string | null {
  const steps = step === null || step <= 0 ? null : step
  const digits = Math.max(...[steps, min].map((one) => (one === null ? 0 : digitsOf(one))))
  const text = (one: number): string => number(one, Number.isInteger(one) ? 0 : Math.max(digits, digitsOf(one)))
  const range = min !== null && max !== null ? `from ${text(min)} to ${text(max)}` : min !== null ? `from ${text(min)} up` : max !== null ? `up to ${text(max)}` : ''
  const takes = [steps === null || steps === 1 ? (steps === 1 ? 'whole numbers' : 'numbers') : `steps of ${text(steps)}`, range].filter(Boolean).join(' ')
  const say = (advice: string): string => `${name} takes ${takes}. ${advice}`
  if (value === null || !Number.isFinite(value)) return say('Type a number.')
  if (min !== null && value < min) return say(`Type ${text(min)} or more.`)
  if (max !== null && value > max) return say(`Type ${text(max)} or less.`)
  if (steps === null) return null
  const base = min ?? 0
  const at = (value - base) / steps
  if (Math.abs(at - Math.round(at)) < STEP_SLACK) return null
  const near = [Math.floor(at), Math.ceil(at)].map((one) => Number((base + one * steps).toFixed(digits))).filter((one) => max === null || one <= max)
  return say(`Type ${near.map(text).join(' or ')}.`)
}

export const percent = (value: number): string => `${number(value, 0)}${THIN}%`
