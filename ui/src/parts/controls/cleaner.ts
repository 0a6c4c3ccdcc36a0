import { mdiBullseyeArrow, mdiHomeImportOutline, mdiMapMarkerRadiusOutline, mdiPause, mdiPlay, mdiStop } from '@mdi/js'
import type { LiveEntity } from '../../lib/live.svelte'
import { can } from './told'

export interface Way {
  verb: string
  name: string
  icon: string
  /** States in which it does this already. */
  during: readonly string[]
}

/** What a vacuum cleaner or a lawn mower can be told, the everyday things first. */
const WAYS: readonly Way[] = [
  { verb: 'start', name: 'Start', icon: mdiPlay, during: ['cleaning'] },
  { verb: 'start_mowing', name: 'Start', icon: mdiPlay, during: ['mowing'] },
  { verb: 'pause', name: 'Pause', icon: mdiPause, during: ['paused', 'docked'] },
  { verb: 'stop', name: 'Stop', icon: mdiStop, during: ['idle', 'docked'] },
  { verb: 'return_to_base', name: 'To its dock', icon: mdiHomeImportOutline, during: ['docked', 'returning'] },
  { verb: 'dock', name: 'To its dock', icon: mdiHomeImportOutline, during: ['docked', 'returning'] },
  { verb: 'clean_spot', name: 'Clean this spot', icon: mdiBullseyeArrow, during: [] },
  { verb: 'locate', name: 'Find it', icon: mdiMapMarkerRadiusOutline, during: [] },
]

export const waysOf = (entity: LiveEntity): Way[] => WAYS.filter(({ verb }) => can(entity, verb))

/** The parameters of a command as they were typed; `null` when that is no JSON object. */
export function paramsOf(text: string): Record<string, unknown> | null {
  if (text.trim() === '') return {}
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : null
  } catch {
    return null
  }
}
