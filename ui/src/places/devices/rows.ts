import type { Area, Availability, Device } from '../../lib/api.gen'
import { wholeOf } from '../../lib/entity'
import { byName, type LiveEntity } from '../../lib/live.svelte'
import { fits } from '../../lib/search'

export type Order = 'room' | 'name' | 'heard'

/** What a list shows, top to bottom. */
export type Row = { kind: 'heading'; id: string; title: string; count: number } | { kind: 'device'; id: string; device: Device }

const ELSEWHERE = 'Without a room'

/** What stands for a model where the device names none: how it came to be, or its firmware. That it announced itself is
 * nothing to say. */
export function made({ profile }: Device): string {
  if (profile === 'by-hand') return 'Made by hand'
  if (profile === 'home-assistant') return ''
  const words = profile.replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** When the device last said anything, UTC ms; 0 if never. */
export const lastHeard = (entities: readonly LiveEntity[]): number => entities.reduce((newest, { state }) => Math.max(newest, state.reported_ms), 0)

/** Whether a device is there, gone or asleep. */
export const presence = (entities: readonly LiveEntity[]): Availability => wholeOf(entities.map(({ state }) => state))

/** What a list can be filtered by beside names: how something of a device is. */
const WORDS: readonly Availability[] = ['asleep', 'unavailable']
const WORD_CHARS_MIN = 3

/** What a filter looks at: names, room, model, addresses, and the words "unavailable", "asleep" and "demo". */
export function matches(device: Device, room: string | null, entities: readonly LiveEntity[], filter: string): boolean {
  const wanted = filter.trim()
  if (wanted === '') return true
  const text = [
    device.name, room, device.model, device.manufacturer, device.ip, device.mac, device.id, device.demo ? 'demo' : '', ...entities.map(({ entity }) => entity.name),
  ].filter(Boolean).join(' ')
  // States are read only when asked for: a filter on names must not run again with every reading.
  if (fits(text, wanted) > 0) return true
  const word = wanted.length < WORD_CHARS_MIN ? undefined : WORDS.find((one) => one.startsWith(wanted.toLowerCase()))
  return word !== undefined && entities.some(({ state }) => state.availability === word)
}

export function rows(devices: Device[], areas: readonly Area[], order: Order, heard: (device: Device) => number): Row[] {
  const row = (device: Device): Row => ({ kind: 'device', id: device.id, device })
  if (order === 'name') return devices.toSorted(byName).map(row)
  if (order === 'heard') {
    const at = new Map(devices.map((device) => [device, heard(device)]))
    return devices.toSorted((a, b) => at.get(b)! - at.get(a)!).map(row)
  }
  const out: Row[] = []
  for (const area of [...areas, { id: null, name: ELSEWHERE }]) {
    const known = (device: Device): boolean => areas.some(({ id }) => id === device.area)
    const inside = devices.filter((device) => (area.id === null ? !known(device) : device.area === area.id)).sort(byName)
    if (inside.length === 0) continue
    out.push({ kind: 'heading', id: `area ${area.id ?? ''}`, title: area.name, count: inside.length }, ...inside.map(row))
  }
  return out
}
