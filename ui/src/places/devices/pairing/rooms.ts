import { hub } from '../../../lib/hub'
import { live } from '../../../lib/live.svelte'

/** The id of the room that was chosen, or of the one that was typed, which is made unless there is one called so. */
export async function roomOf(area: string | null, newRoom: string): Promise<string | null> {
  const room = newRoom.trim()
  if (room === '') return area
  const same = live.areas.find(({ name }) => name.toLowerCase() === room.toLowerCase())
  return same?.id ?? (await hub.call('add_area', { name: room })).id
}
