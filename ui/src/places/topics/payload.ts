import type { TopicMessage } from '../../lib/api.gen'

/** A JSON value. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** What a payload turned out to be. */
export type Reading =
  | { kind: 'empty' }
  | { kind: 'json'; json: Json }
  | { kind: 'text'; text: string }
  | { kind: 'binary'; text: string }

/** Looks into a payload. Bare words and numbers stay text; only objects and arrays are shown as JSON. */
export function read(message: Pick<TopicMessage, 'payload' | 'encoding' | 'bytes'>): Reading {
  if (message.bytes === 0) return { kind: 'empty' }
  if (message.encoding === 'hex') return { kind: 'binary', text: hexDump(message.payload) }
  const text = message.payload
  const first = text.trimStart()[0]
  if (first === '{' || first === '[') {
    try { return { kind: 'json', json: JSON.parse(text) as Json } } catch { /* cut off or not JSON: shown as it is */ }
  }
  return { kind: 'text', text }
}

/** Hex digits as 16 bytes a line, in pairs. */
export function hexDump(hex: string): string {
  const lines: string[] = []
  for (let i = 0; i < hex.length; i += 32) lines.push((hex.slice(i, i + 32).match(/../g) ?? []).join(' '))
  return lines.join('\n')
}

/** The whole payload was not sent to us: it is longer than what the API shows. */
export function isCut(message: Pick<TopicMessage, 'payload' | 'encoding' | 'bytes'>): boolean {
  const shown = message.encoding === 'hex' ? message.payload.length / 2 : new TextEncoder().encode(message.payload).length
  return shown < message.bytes
}

/** One line of a payload for a row. */
export function oneLine(message: Pick<TopicMessage, 'payload' | 'encoding' | 'bytes'>): string {
  const ROW_LENGTH_MAX = 160
  if (message.bytes === 0) return ''
  const text = message.payload.slice(0, ROW_LENGTH_MAX).replace(/\s+/g, ' ')
  return message.encoding === 'hex' ? `0x${text}` : text
}

/** The number a payload (or a value in it) is, if it is one. */
export function numberOf(json: Json | undefined): number | null {
  if (typeof json === 'number') return Number.isFinite(json) ? json : null
  if (typeof json !== 'string' || !/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(json)) return null
  return Number(json)
}

/** A step of a path: a key of an object or an index of an array. */
export type Key = string | number

/** Writes a path as entities take it: `ENERGY.Power`, `values[0].t`; the whole payload is `null`. */
export function pathText(path: readonly Key[]): string | null {
  if (path.length === 0) return null
  return path.map((key, i) => {
    if (typeof key === 'number') return `[${key}]`
    if (/^[\p{L}_][\p{L}\p{N}_]*$/u.test(key)) return i === 0 ? key : `.${key}`
    return `[${JSON.stringify(key)}]`
  }).join('')
}

/** What stands at a path. */
export function at(json: Json, path: readonly Key[]): Json | undefined {
  let value: Json | undefined = json
  for (const key of path) {
    if (Array.isArray(value)) value = typeof key === 'number' ? value[key] : undefined
    else if (value !== null && typeof value === 'object') value = Object.hasOwn(value, key) ? value[key] : undefined
    else return undefined
  }
  return value
}

/** How a value in a payload differs from the payload before. */
export type Change = { kind: 'added' } | { kind: 'changed'; before: Json }

/** The values that differ, by path text; and the paths that are gone. */
export interface Difference { changes: Map<string, Change>; gone: string[] }

/** Compares two payloads value by value. The key of the whole payload is the empty text. */
export function compare(before: Json, after: Json): Difference {
  const changes = new Map<string, Change>()
  const gone: string[] = []
  const walk = (a: Json, b: Json, path: Key[]) => {
    if (isBranch(a) && isBranch(b) && Array.isArray(a) === Array.isArray(b)) {
      for (const [key, value] of entries(b)) {
        const old = at(a, [key])
        if (old === undefined) changes.set(pathText([...path, key]) ?? '', { kind: 'added' })
        else walk(old, value, [...path, key])
      }
      for (const [key] of entries(a)) if (at(b, [key]) === undefined) gone.push(pathText([...path, key]) ?? '')
    } else if (JSON.stringify(a) !== JSON.stringify(b)) {
      changes.set(pathText(path) ?? '', { kind: 'changed', before: a })
    }
  }
  walk(before, after, [])
  return { changes, gone }
}

/** Whether a value has values of its own. */
export function isBranch(json: Json): json is Json[] | { [key: string]: Json } {
  return json !== null && typeof json === 'object'
}

/** A branch's values with their keys. */
export function entries(json: Json[] | { [key: string]: Json }): [Key, Json][] {
  return Array.isArray(json) ? json.map((value, i) => [i, value]) : Object.entries(json)
}

/** Where the numbers stand in a payload, in order of writing. */
export function numberPaths(json: Json, path: Key[] = []): Key[][] {
  if (isBranch(json)) return entries(json).flatMap(([key, value]) => numberPaths(value, [...path, key]))
  return typeof json === 'number' ? [path] : []
}

/** Where the first number stands; `null` when there is none. */
export function firstNumber(json: Json): Key[] | null {
  return numberPaths(json)[0] ?? null
}

/** What a chart shows unless told otherwise: the first number that moved within these payloads, or else the first. */
export function chartPath(payloads: readonly Json[]): Key[] {
  const newest = payloads[0]
  if (newest === undefined) return []
  const paths = numberPaths(newest)
  return paths.find((path) => payloads.some((json) => at(json, path) !== at(newest, path))) ?? paths[0] ?? []
}

/** A name for an entity made of this value: its key, or else the last level of the topic that says something. */
export function nameFor(topic: string, path: readonly Key[]): string {
  const key = [...path].reverse().find((k): k is string => typeof k === 'string')
  const levels = topic.split('/').filter(Boolean)
  const said = levels.filter((level) => !/^(state|stat|tele|sensor|status|value|result)$/i.test(level))
  const words = (key ?? said.at(-1) ?? levels.at(-1) ?? topic).replace(/[_-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}
