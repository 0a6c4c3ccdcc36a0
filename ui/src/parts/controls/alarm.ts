import { featuresOf } from '../../lib/entity'
import type { LiveEntity } from '../../lib/live.svelte'
import { can } from './told'

/** Ways to arm, as people call them. */
const ARMS: [verb: string, name: string][] = [
  ['arm_home', 'Home'], ['arm_away', 'Away'], ['arm_night', 'Night'], ['arm_vacation', 'Vacation'], ['arm_custom_bypass', 'Custom'],
]

export const armsOf = (entity: LiveEntity): [verb: string, name: string][] => ARMS.filter(([verb]) => can(entity, verb))

/** Whether a verb needs the code. */
export function wantsCode(entity: LiveEntity, verb: string): boolean {
  const features = featuresOf(entity.entity, 'alarm')
  if (!features?.wants_code) return false
  return verb === 'disarm' ? features.code_disarm_required : verb === 'trigger' ? features.code_trigger_required : features.code_arm_required
}
