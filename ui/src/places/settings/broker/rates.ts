import type { BrokerRates, BrokerTotals } from '../../../lib/api.gen'
import { bytes, count, duration, number, THIN } from '../../../lib/format'
import type { Columns } from '../../../lib/readings.svelte'

/** Messages per second, as short as a column needs it: `0`, `0.4`, `12`, `1,204`. */
export function rateText(perSecond: number): string {
  if (perSecond <= 0) return '0'
  if (perSecond < 0.05) return '<0.1'
  return perSecond < 9.95 ? number(perSecond, 1) : count(perSecond)
}

/** Totals with the moment they were read, UTC ms. */
export interface Moment { ms: number; totals: BrokerTotals }
export interface Rates { messages_in: number; messages_out: number; bytes_in: number; bytes_out: number }

/** Rates between two moments; `null` when they say nothing, as after a start of the hub. */
export function between(before: Moment, after: Moment): Rates | null {
  const seconds = (after.ms - before.ms) / 1000
  const keys = ['messages_in', 'messages_out', 'bytes_in', 'bytes_out'] as const
  if (seconds <= 0 || keys.some((key) => after.totals[key] < before.totals[key])) return null
  const rate = (key: (typeof keys)[number]): number => (after.totals[key] - before.totals[key]) / seconds
  return { messages_in: rate('messages_in'), messages_out: rate('messages_out'), bytes_in: rate('bytes_in'), bytes_out: rate('bytes_out') }
}

export type Course = Exclude<keyof BrokerRates, 'times_ms' | 'span_ms'>

/** A span after which a line breaks, in spans: the hub was not there. */
const GAP_SPANS = 3

/** One of the rates as a chart wants it; where the hub was away the line breaks. */
export function course({ times_ms, span_ms, ...values }: BrokerRates, of: Course): Columns {
  const out: Columns = { x: [], min: [], mean: [], max: [] }
  const put = (ms: number, value: number | null): void => {
    out.x.push(ms / 1000)
    for (const list of [out.min, out.mean, out.max]) list.push(value)
  }
  for (const [at, ms] of times_ms.entries()) {
    const before = times_ms[at - 1]
    if (before !== undefined && ms - before > span_ms * GAP_SPANS) put((before + ms) / 2, null)
    put(ms, values[of][at] ?? null)
  }
  return out
}

/** What MQTT calls an expiry that never comes, s. */
export const FOR_EVER_S = 4_294_967_295
const DAY_MS = 86_400_000

/** A limit's value with its unit, as a person says it: `1.0 MB`, `2 min`, `50 per second`; what 0 means stands in its help. */
export function limitText(value: number, unit: string, help = ''): string {
  if (value === 0 && /(^|[^\d,])0 (is|grants) any\b/.test(help)) return 'any'
  if (value === 0 && /(^|[^\d,])0 (tells|uses) none\b/.test(help)) return 'none'
  switch (unit) {
    case 'bytes': return bytes(value)
    case 'ms': return duration(value)
    case 's': return value === FOR_EVER_S ? 'for ever' : value === 0 ? `0${THIN}s` : duration(value * 1000)
    case 'days': return value < 1 ? '0' : duration(value * DAY_MS)
    case 'per_s': return `${count(value)} per second`
    case 'messages': return `${count(value)}${THIN}${value === 1 ? 'message' : 'messages'}`
    default: return count(value)
  }
}

const DECIMAL: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9 }
const TIMES_MS: Record<string, number> = { ms: 1, s: 1e3, sec: 1e3, second: 1e3, seconds: 1e3, min: 6e4, minute: 6e4, minutes: 6e4, h: 3.6e6, hour: 3.6e6, hours: 3.6e6, d: DAY_MS, day: DAY_MS, days: DAY_MS }
const scaled = (units: Record<string, number>, by: number): Record<string, number> => Object.fromEntries(Object.entries(units).map(([name, size]) => [name, size / by]))

/** Units a limit may be typed in, and how many of its own each is. What stands alone is its own. */
const TYPED: Record<string, Record<string, number>> = {
  bytes: { ...DECIMAL, b: 1, byte: 1, bytes: 1, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30, tib: 2 ** 40 },
  ms: { ...TIMES_MS, '': 1 },
  s: { ...scaled(TIMES_MS, 1e3), '': 1 },
  days: { '': 1, d: 1, day: 1, days: 1 },
  per_s: { ...DECIMAL, '/s': 1, 'per second': 1 },
  messages: { ...DECIMAL, message: 1, messages: 1 },
  count: DECIMAL,
}
const HOW: Record<string, string> = {
  bytes: 'Type a size, such as 64 kB or 1.5 MB.', ms: 'Type a time, such as 500 ms, 30 s or 5 min.', s: 'Type a time in whole seconds, such as 30 s or 5 min.',
  days: 'Type a whole number of days, such as 7.',
}

/** What was typed for a limit, in its unit: `1 MB`, `100k`, `1 min 30 s`, `5,000`, `for ever`; `null` when it is no such number. */
export function limitIn(text: string, { min, max, unit, help = '' }: LimitBounds): number | null {
  const typed = text.trim().toLowerCase()
  for (const value of [0, FOR_EVER_S]) if (typed === limitText(value, unit, help).toLowerCase()) return value
  const units = TYPED[unit] ?? DECIMAL
  const parts = [...typed.matchAll(/(\d[\d.,]*)\s*([a-z/ ]*)/gy)]
  if (parts.length === 0 || parts.map(([all]) => all).join('') !== typed) return null
  let sum = 0
  for (const [, amount = '', name = ''] of parts) {
    const size = units[name.trim()]
    const plain = /^\d{1,3}(,\d{3})+$/.test(amount) ? amount.replaceAll(',', '') : amount.replace(',', '.')
    if (size === undefined || (parts.length > 1 && name.trim() === '')) return null
    sum += Number(plain) * size
  }
  const value = Math.round(sum)
  // A tenth of a byte is nobody's meaning: it comes of a unit.
  if (Number.isNaN(sum) || (Math.abs(sum - value) > 1e-6 && !(unit === 'bytes' && sum > 1_000))) return null
  // What the range says is within it, though it was rounded to say it.
  return [min, max].find((edge) => value !== edge && limitText(value, unit) === limitText(edge, unit) && (value < min || value > max)) ?? value
}

interface LimitBounds { min: number; max: number; unit: string; help?: string }

/** From where to where a limit goes. */
export const limitRange = ({ min, max, unit }: LimitBounds): string => `${unit === 'per_s' || unit === 'messages' ? count(min) : limitText(min, unit)} to ${limitText(max, unit)}`

/** The unit a limit is typed in. */
export const UNITS: Record<string, string> = { bytes: 'bytes', ms: 'ms', s: 'seconds', days: 'days', per_s: 'per second', messages: 'messages', count: '' }

/** What a limit is called, from its name: `session_expiry_s_max` is "Session expiry, at most". */
export function limitName(name: string): string {
  const most = name.endsWith('_max')
  const words = name.replace(/_max$/, '').replace(/_per_s$/, '_per_second').replace(/_(ms|s)$/, '').replaceAll('_', ' ').replace('inflight', 'in flight').replace('loopback', 'from this computer').replace('lobby', 'not logged in')
  return words.replace(/^./, (first) => first.toUpperCase()) + (most ? ', at most' : '')
}

/** Limits that explain each other stay together: "The same in bytes" says nothing without the one before. */
export function limitGroups<T extends { help: string }>(limits: readonly T[]): T[][] {
  const groups: T[][] = []
  for (const limit of limits) {
    const group = groups.at(-1)
    if (group && /^(The same|Longest such)/.test(limit.help)) group.push(limit)
    else groups.push([limit])
  }
  return groups
}

/** What is wrong with a typed limit, in words. */
export function limitFault(text: string, bounds: LimitBounds): string | null {
  const { min, max, unit } = bounds
  const value = limitIn(text, bounds)
  if (value === null) return HOW[unit] ?? 'Type a whole number, such as 5,000 or 100k.'
  if (value < min) return `At least ${exactly(min, unit)}.`
  if (value > max) return `At most ${exactly(max, unit)}.`
  return null
}

/** A limit's value in words, and in its own unit where the words round it. */
function exactly(value: number, unit: string): string {
  const text = limitText(value, unit)
  return limitIn(text, { min: value, max: value, unit }) === value && !(unit === 'bytes' && value % 1_000 !== 0) ? text : `${text} (${count(value)} ${UNITS[unit]})`
}
