import type { AcceptCandidate, CandidateView, Device, FirmwareView, PairingProgress, PairingStage, PairingWay } from './api.gen'

/** A board that waits, as it is shown: what was found of it, and its knock at the door. One of them is `seen`. */
export interface Waiting {
  seen: CandidateView
  /** What it tried to log in with; `seen` itself when nothing else is known of it. */
  door: CandidateView | null
}

/** Puts a knock and a finding together that are of one board: the only ones of their kind at that address, and of the same firmware. */
export function gathered(candidates: readonly CandidateView[]): Waiting[] {
  const at = (address: string | null, knocks: boolean): CandidateView[] => candidates.filter((one) => one.address === address && (one.way === 'refused') === knocks)
  const partner = (one: CandidateView): CandidateView | null => {
    if (one.address === null) return null
    const [same, others] = [at(one.address, one.way === 'refused'), at(one.address, one.way !== 'refused')]
    const other = others[0]
    if (!other || same.length !== 1 || others.length !== 1) return null
    const knock = one.way === 'refused' ? one : other
    return knock.firmware === null || one.firmware === other.firmware ? other : null
  }
  return candidates.flatMap((one): Waiting[] => {
    const other = partner(one)
    if (one.way !== 'refused') return [{ seen: one, door: other }]
    return other ? [] : [{ seen: one, door: one }]
  })
}

/** The same board when it is seen again, under another number. */
export const seenAgain = ({ seen, door }: Waiting, all: readonly Waiting[]): Waiting | null =>
  all.find((one) => (door && one.door ? door.client_id === one.door.client_id && door.address === one.door.address : seen.address !== null && seen.way !== 'refused' && placeOf(seen) === placeOf(one.seen))) ?? null

const digits = (mac: string): string => mac.replaceAll(/[^0-9A-Fa-f]/g, '').toUpperCase()

/** The devices there are, by what a found board tells of itself. */
export interface Register {
  byMac: ReadonlyMap<string, Device>
  /** Those without a MAC address may be known by their address alone. */
  byAddress: ReadonlyMap<string, Device>
}

export function register(devices: Iterable<Device>): Register {
  const byMac = new Map<string, Device>()
  const byAddress = new Map<string, Device>()
  for (const device of devices) {
    if (device.mac !== null) byMac.set(digits(device.mac), device)
    if (device.ip !== null && !isLoopback(device.ip)) byAddress.set(device.ip, device)
  }
  return { byMac, byAddress }
}

/** Many boards may share such an address: they run on this computer. */
const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'

/** The device a found board is already. Who is turned away at the door is none, whoever it was before. */
export function knownAs({ seen, door }: Waiting, { byMac, byAddress }: Register): Device | null {
  if (door) return null
  if (seen.mac !== null && byMac.has(digits(seen.mac))) return byMac.get(digits(seen.mac))!
  const there = seen.address === null ? null : (byAddress.get(seen.address) ?? null)
  return there !== null && seen.mac !== null && there.mac !== null ? null : there
}

/** The device that is this very board, by its MAC address: paired again, it stays that device. Also when it comes to the door. */
export const sameBoard = ({ seen }: Waiting, { byMac }: Register): Device | null => (seen.mac === null ? null : (byMac.get(digits(seen.mac)) ?? null))

export const isUnderWay = (pairing: PairingProgress): boolean => pairing.ended_ms === null

/** So long it is said that a board is paired: while its device is seen, and while none is. */
export const PAIRED_SHOWN_MS = 60_000
export const PAIRED_UNSEEN_MS = 600_000

/** Whether it needs no more saying that a board is paired. `device` is what became of it, `wasThere` whether it was seen on this page. */
export function isOldNews({ stage, ended_ms }: Pick<PairingProgress, 'stage' | 'ended_ms'>, device: 'there' | 'unavailable' | 'none', wasThere: boolean, nowMs: number): boolean {
  if (stage !== 'paired' || ended_ms === null) return false
  if (wasThere && device !== 'there') return true
  return nowMs - ended_ms >= (device === 'none' ? PAIRED_UNSEEN_MS : PAIRED_SHOWN_MS)
}

/** Those that are neither in already nor being paired. */
export function newOnes(all: readonly Waiting[], pairings: readonly PairingProgress[], devices: Register): Waiting[] {
  const busy = new Set(pairings.filter(isUnderWay).map(({ candidate }) => candidate))
  return all.filter((one) => !busy.has(one.seen.id) && !(one.door && busy.has(one.door.id)) && knownAs(one, devices) === null)
}

/** `192.168.1.20`, and the port where it is not 80. */
export function placeOf({ address, http_port, serial }: { address: string | null; http_port: number | null; serial: string | null }): string | null {
  if (address === null) return serial
  const host = address.includes(':') ? `[${address}]` : address
  return http_port === null || http_port === 80 ? address : `${host}:${http_port}`
}

export const firmwareName = (id: string | null, firmwares: readonly FirmwareView[]): string | null =>
  id === null ? null : (firmwares.find((one) => one.id === id)?.name ?? id)

/** What to call somebody of whom little is known. */
export const titleOf = ({ seen, door }: Waiting, firmwares: readonly FirmwareView[]): string =>
  seen.name ?? seen.model ?? door?.client_id ?? firmwareName(seen.firmware, firmwares) ?? placeOf(seen) ?? 'A board'

/** The rest that is known, in a line. */
export function lineOf(waiting: Waiting, firmwares: readonly FirmwareView[]): string {
  const title = titleOf(waiting, firmwares)
  const { seen, door } = waiting
  const parts = [seen.model, firmwareName(seen.firmware, firmwares) ?? 'firmware unknown', placeOf(seen), door ? door.client_id : null]
  return parts.filter((part, at) => part !== null && part !== title && parts.indexOf(part) === at).join(' · ')
}

/** How it was met. */
export function metBy({ seen, door }: Waiting): string {
  if (door && seen.way !== 'refused') return 'was found, and tried to log in'
  return { refused: 'tried to log in', mdns: 'announced itself', sweep: 'answered the search', serial: 'is on a cable' }[seen.way]
}

/** A name to begin with: its own, unless that is only the name of its firmware; then one that tells it from its brothers. */
export function properName({ seen, door }: Waiting, firmwares: readonly FirmwareView[], taken: readonly string[]): string {
  const firmware = firmwareName(seen.firmware, firmwares)
  const isOwn = seen.name !== null && ![firmware, seen.firmware, ...GENERIC].some((one) => one?.toLowerCase() === seen.name!.trim().toLowerCase())
  const tail = seen.mac?.slice(-TAIL) ?? door?.client_id?.match(/[0-9A-F]{4}$/i)?.[0] ?? ''
  const base = isOwn ? seen.name!.trim() : [firmware ?? 'Board', tail].filter(Boolean).join(' ')
  return freeName(base, taken)
}

/** Names boards have before anybody named them. */
const GENERIC = ['tasmota', 'wled', 'shelly', 'espurna', 'esphome', 'esp8266', 'esp32', 'homie']
/** Digits of a MAC address that tell one board from the next. */
const TAIL = 4

/** The name, with a number behind it if a device has it already. */
export function freeName(name: string, taken: readonly string[]): string {
  const used = new Set(taken.map((one) => one.toLowerCase()))
  for (let number = 1; ; number += 1) {
    const next = number === 1 ? name : `${name} ${number}`
    if (!used.has(next.toLowerCase())) return next
  }
}

/** `1:43`; never less than nothing. */
export function timeLeft(untilMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.ceil((untilMs - nowMs) / 1_000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** What a pairing consists of, for the eye. */
export interface StageStep {
  name: string
  at: 'done' | 'now' | 'ahead' | 'failed'
}

const STEPS: Record<PairingWay, [PairingStage, string][]> = {
  push: [['minting', 'Its own access is made'], ['handing_over', 'It gets its settings'], ['waiting', 'It logs in with them']],
  as_it_is: [['minting', 'What it tried becomes its access'], ['waiting', 'It logs in']],
}
const ORDER: PairingStage[] = ['minting', 'handing_over', 'waiting', 'keeping', 'paired']

export function stepsOf({ stage, reached, way }: Pick<PairingProgress, 'stage' | 'reached' | 'way'>): StageStep[] {
  const failed = stage === 'failed' || stage === 'revoking'
  const here = ORDER.indexOf(reached)
  return STEPS[way].map(([of, name]) => {
    const at = ORDER.indexOf(of)
    if (at < here) return { name, at: 'done' }
    if (at > here) return { name, at: 'ahead' }
    return { name, at: failed ? 'failed' : 'now' }
  })
}

/** What a pairing is about, in a few words; its text says the rest. */
export function headline({ name, stage }: Pick<PairingProgress, 'name' | 'stage'>): string {
  if (stage === 'paired') return `${name} is paired`
  return stage === 'failed' || stage === 'revoking' ? `${name} was not paired` : `Pairing ${name}`
}

/** What somebody typed about a board. */
export interface Draft {
  name: string
  /** An area's id, or none. */
  area: string | null
  /** Name of a room that is still to be made; it goes before `area`. */
  newRoom: string
  /** Chosen because it was not recognised. */
  firmware: string | null
  way: PairingWay
  /** Where its web page is, when that is not where it came from. */
  at: string
  boardPassword: string
  ssid: string
  wifiPassword: string
}

/** Which board is meant. */
export type Target = { kind: 'waiting'; waiting: Waiting; /** It is not there any more. */ gone: boolean } | { kind: 'at'; address: string } | { kind: 'serial'; port: string }

/** Whoever comes to the door from an address shared by many says by hand where its page is. */
export function acceptance(target: Target, draft: Draft, area: string | null): AcceptCandidate {
  const nothing = (text: string): string | null => (text.trim() === '' ? null : text.trim())
  const push = draft.way === 'push'
  const meant = target.kind !== 'waiting' ? null : push ? target.waiting.seen : (target.waiting.door ?? target.waiting.seen)
  // Passwords may begin or end with a space.
  const secret = (text: string): string | null => (push && text !== '' ? text : null)
  return {
    candidate: meant?.id ?? null,
    address: target.kind === 'at' ? target.address : push ? nothing(draft.at) : null,
    serial: target.kind === 'serial' ? target.port : null,
    name: draft.name.trim(),
    area,
    firmware: meant?.firmware ? null : (draft.firmware ?? (target.kind === 'waiting' ? target.waiting.seen.firmware : null)),
    way: draft.way,
    board_password: secret(draft.boardPassword),
    wifi_ssid: push ? nothing(draft.ssid) : null,
    wifi_password: nothing(draft.ssid) === null ? null : secret(draft.wifiPassword),
    wait_s: null,
  }
}
