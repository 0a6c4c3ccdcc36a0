import { numberOf } from '../../lib/entity'
import type { LiveEntity } from '../../lib/live.svelte'

/** A fan with so many speeds or fewer has a button for each. */
const ABREAST = 6

/** Its speeds when they can be counted, each as a share of the highest; `null` when it has a scale. */
export function speedsOf(entity: LiveEntity): number[] | null {
  const step = entity.entity.step ?? 1
  const count = Math.round(100 / step)
  return count <= ABREAST ? Array.from({ length: count }, (_, at) => Math.round((at + 1) * step)) : null
}

/** A fan that is off stands still, whatever speed it remembers. */
export const percentageOf = (entity: LiveEntity): number | null => (entity.state.value === false ? 0 : numberOf(entity.state, 'percentage'))
