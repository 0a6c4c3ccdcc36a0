import type { Cause, Value } from './api.gen'

/** A dash, not a zero and not "unknown": nothing is known. */
export const DASH = '–'
/** Between number and unit: narrow, and the line does not break there. */
export const THIN = '\u202f'

const locale = (): string => navigator.language
const cached = <K, T>(make: (key: K) => T): ((key: K) => T) => {
  const made = new Map<K, T>()
  return (key) => {
    let one = made.get(key)
    if (one === undefined) made.set(key, (one = make(key)))
    return one
  }
}
const fixed = cached((digits: number) => new Intl.NumberFormat(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits }))
const time = new Intl.DateTimeFormat(locale(), { hour: 'numeric', minute: '2-digit', second: '2-digit' })
const hourMinute = new Intl.DateTimeFormat(locale(), { hour: 'numeric', minute: '2-digit' })
const dayTime = new Intl.DateTimeFormat(locale(), { weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' })
const full = new Intl.DateTimeFormat(locale(), { dateStyle: 'full', timeStyle: 'medium' })
const day = new Intl.DateTimeFormat(locale(), { day: 'numeric', month: 'short' })

/** A number in the reader's format. Without a precision, about three digits that matter. */
export function number(value: number, precision: number | null = null): string {
  if (!Number.isFinite(value)) return DASH
  const size = Math.abs(value)
  const digits = precision ?? (Number.isInteger(value) || size >= 100 ? 0 : size >= 10 ? 1 : 2)
  const text = fixed(Math.min(digits, 6)).format(value)
  return /[1-9]/.test(text) ? text : text.replace(/^[-−]/, '')
}

/** Whole numbers such as counts: `12,345`. */
export const count = (value: number): string => fixed(0).format(value)

/** A MAC address, however it is written, with colons: `A1:B2:C3:D4:E5:F6`. What is none stays as it is. */
export function macText(mac: string): string {
  const digits = mac.replaceAll(/[:.-]/g, '')
  return /^[0-9A-Fa-f]{12}$/.test(digits) ? digits.toUpperCase().match(/../g)!.join(':') : mac
}

/** `3 devices`, `1 device`. */
export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`

/** `4.2 kB`, decimal prefixes. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let step = 0
  let left = value
  while (left >= 1000 && step < units.length - 1) { left /= 1000; step += 1 }
  return `${number(left, step === 0 ? 0 : left < 10 ? 1 : 0)}${THIN}${units[step]}`
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const LENGTHS: [ms: number, unit: string][] = [[DAY, 'd'], [HOUR, 'h'], [MINUTE, 'min'], [SECOND, 's']]

/** `now`, `12 s ago`, `3 min ago`, `2 d ago`: never in the future, whatever the clocks say. */
export function ago(ms: number, nowMs: number): string {
  const age = Math.max(0, nowMs - ms)
  if (age < 5 * SECOND) return 'now'
  return age < 60 * DAY ? `${largest(age)} ago` : day.format(ms)
}

/** When something is due: `in 12 min`; a moment that has passed is `any moment`. */
export function ahead(ms: number, nowMs: number): string {
  const left = ms - nowMs
  return left < 5 * SECOND ? 'any moment' : `in ${largest(left)}`
}

/** How long something has held, in its largest unit: `for 12 min`. */
export function lasting(ms: number, nowMs: number): string {
  const age = Math.max(0, nowMs - ms)
  if (age < 5 * SECOND) return 'just now'
  return `for ${largest(age)}`
}

/** A length of a second or more in its largest unit. */
function largest(ms: number): string {
  const [size, unit] = LENGTHS.find(([length]) => ms >= length)!
  return `${count(Math.floor(ms / size))}${THIN}${unit}`
}

/** A length of time in its two largest units: `3 h 12 min`. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))}${THIN}ms`
  const first = LENGTHS.findIndex(([size]) => ms >= size)
  return LENGTHS
    .slice(first, first + 2)
    .map(([size, unit], index) => [Math.floor(index === 0 ? ms / size : (ms % LENGTHS[first]![0]) / size), unit] as const)
    .filter(([amount], index) => index === 0 || amount > 0)
    .map(([amount, unit]) => `${amount}${THIN}${unit}`)
    .join(' ')
}

/** The exact moment in words, for a hover. */
export const exact = (ms: number): string => full.format(ms)
/** Clock time, `14:03:09`. */
export const clockTime = (ms: number): string => time.format(ms)
/** Clock time without seconds. */
export const hourTime = (ms: number): string => hourMinute.format(ms)
/** Day and time, `Tue 3 Mar, 14:03`. */
export const dateTime = (ms: number): string => dayTime.format(ms)
/** Today the time, before that the day too. */
export function moment(ms: number, nowMs: number): string {
  return new Date(ms).toDateString() === new Date(nowMs).toDateString() ? time.format(ms) : dayTime.format(ms)
}

/** Text of a value as the hub has it, without knowing the entity. */
export function plain(value: Value | null | undefined): string {
  if (value === null || value === undefined) return DASH
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return typeof value === 'number' ? number(value) : value
}

/** Who did something, as the hub writes it: the one reader of this page is its owner. */
export const personWords = (who: string): string => (who === 'owner' ? 'You' : who)

/** Why something happened, in a few words. */
export function causeText(cause: Cause | null): string {
  switch (cause?.kind) {
    case 'message': return `message ${cause.id}`
    case 'run': return `automation ${cause.automation}`
    case 'person': return personWords(cause.who)
    case 'hub': return cause.why
    default: return 'The device reported it'
  }
}
