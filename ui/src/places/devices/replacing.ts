import type { Device } from '../../lib/api.gen'

/** Boards that may take the place of this one: the likeliest first, that is of the same firmware and model, then the newest. */
export function candidates(device: Device, devices: readonly Device[]): Device[] {
  const likeness = (other: Device) => Number(other.profile === device.profile) + Number(other.model !== null && other.model === device.model)
  return devices
    .filter((other) => other.id !== device.id && other.demo === device.demo && other.profile !== 'by-hand')
    .sort((a, b) => likeness(b) - likeness(a) || b.first_seen_ms - a.first_seen_ms || a.name.localeCompare(b.name))
}
