import type { Area, Device } from '../../lib/api.gen'
import { byName, type LiveEntity } from '../../lib/live.svelte'
import { fits } from '../../lib/search'

export type Order = 'room' | 'name' | 'heard'

/** What a list shows, top to bottom. */
export type Row = { kind: 'heading'; id: string; title: string; count: number } | { kind: 'device'; id: string; device: Device }

const ELSEWHERE = 'Without a room'

/** When the device last said anything, UTC ms; 0 if never. */
export const lastHeard = (entities: readonly LiveEntity[]): number => entities.reduce((newest, { state }) => Math.max(newest, state.reported_ms), 0)

/** A device is unavailable when all it has is. */
export const isGone = (entities: readonly LiveEntity[]): boolean =>
  entities.length > 0 && entities.every(({ state }) => state.availability === 'unavailable')

const someGone = (entities: readonly LiveEntity[]): boolean => entities.some(({ state }) => state.availability === 'unavailable')

/** What a filter looks at: names, room, model, addresses, and the words "unavailable" and "demo". */
export function matches(device: Device, room: string | null, entities: readonly LiveEntity[], filter: string): boolean {
  const wanted = filter.trim()
  if (wanted === '') return true
  const text = [
    device.name, room, device.model, device.manufacturer, device.ip, device.mac, device.id, device.demo ? 'demo' : '', ...entities.map(({ entity }) => entity.name),
  ].filter(Boolean).join(' ')
  // States are read only when asked for: a filter on names must not run again with every reading.
  return fits(text, wanted) > 0 || ('unavailable'.startsWith(wanted.toLowerCase()) && wanted.length > 2 && someGone(entities))
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
