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

export const percent = (value: number): string => `${number(value, 0)}${THIN}%`
