import type { Cause, RunAction, RunRecord, RunTrigger, Value } from '../../lib/api.gen'

/** How the house calls its things; ids stand in for what is gone. */
export interface Names {
  /** Name of an entity, such as "Plug temperature". */
  entity(id: string): string
  /** A value with its unit, such as "26.4 °C". */
  value(entity: string, value: Value | null): string
  /** Name of an automation. */
  automation(id: string): string
}

/** A trigger as written, taken apart: `above("living.temperature", 25)`. */
export interface Written { kind: string; first: string; rest: string }

/** Takes a trigger apart; `null` when it is not a call with a text in it. */
export function written(trigger: string): Written | null {
  const match = /^\s*(\w+)\(\s*(?:"((?:[^"\\]|\\.)*)"\s*,?)?\s*(.*)\)\s*$/s.exec(trigger)
  if (!match?.[1]) return null
  return { kind: match[1], first: match[2] ?? '', rest: match[3]?.trim() ?? '' }
}

/** The bound of `above(…, 25, #{ clear: 24 })`: its first argument after the entity. */
function bound(rest: string): string {
  return rest.split(',')[0]?.trim() ?? ''
}

const PAYLOAD_SHOWN_MAX = 60

/** Cuts a payload for a sentence. */
export function brief(payload: string): string {
  const line = payload.replace(/\s+/g, ' ').trim()
  return line.length > PAYLOAD_SHOWN_MAX ? `${line.slice(0, PAYLOAD_SHOWN_MAX)}…` : line
}

/** JSON in a sentence is noise; the details of a run show it. */
export const isJson = (payload: string): boolean => /^\s*[{[]/.test(payload)

/** A bound with the entity's unit, when it is a number. */
function withUnit(entity: string, text: string, names: Names): string {
  const number = Number(text)
  return text !== '' && Number.isFinite(number) ? names.value(entity, number) : text
}

/** What set a run off, in words: "Plug temperature rose to 26.4 °C (above 25 °C)". */
export function triggerWords(trigger: RunTrigger, names: Names): string {
  const call = written(trigger.trigger)
  const entity = trigger.entity
  if (entity !== null) {
    const name = names.entity(entity)
    const now = names.value(entity, trigger.value)
    if (call?.kind === 'above') return `${name} rose to ${now} (above ${withUnit(entity, bound(call.rest), names)})`
    if (call?.kind === 'below') return `${name} fell to ${now} (below ${withUnit(entity, bound(call.rest), names)})`
    if (trigger.old === null) return `${name} became ${now}`
    return `${name} changed from ${names.value(entity, trigger.old)} to ${now}`
  }
  if (trigger.topic !== null) {
    const payload = brief(trigger.payload ?? '')
    if (isJson(payload)) return `Message on ${trigger.topic}`
    return payload === '' ? `Empty message on ${trigger.topic}` : `Message on ${trigger.topic}: ${payload}`
  }
  if (call?.kind === 'started') return 'The automation was loaded'
  return trigger.trigger
}

/** A trigger as it stands in the list: "Living temperature above 25 °C". */
export function waitsFor(trigger: string, names: Names): string {
  const call = written(trigger)
  if (!call) return trigger
  switch (call.kind) {
    case 'topic': return `Message on ${call.first}`
    case 'above':
    case 'below': return `${names.entity(call.first)} ${call.kind} ${withUnit(call.first, bound(call.rest), names)}`
    case 'started': return 'When loaded'
    case 'changed': {
      const list = /^\[([^\]]*)\]/.exec(call.rest)?.[1]
      const entities = call.first === '' ? [...(list ?? '').matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? '') : [call.first]
      const first = entities[0]
      if (first === undefined) return trigger
      const subject = entities.map((id) => names.entity(id)).join(' or ')
      const to = /\bto:\s*(?:"([^"]*)"|([^,}\s]+))/.exec(call.rest)
      if (!to) return `${subject} changes`
      return `${subject} becomes ${names.value(first, valueWritten(to[1] ?? to[2] ?? ''))}`
    }
    default: return trigger
  }
}

/** A value as scripts write it: on and off are texts there. */
function valueWritten(text: string): Value | null {
  if (text === 'on' || text === 'true') return true
  if (text === 'off' || text === 'false') return false
  return text === '()' ? null : text
}

const VERBS: Record<string, string> = { turn_on: 'turned on', turn_off: 'turned off', toggle: 'switched', press: 'pressed' }

/** What a run did, in words: "turned on Fan". */
export function actionWords(action: RunAction, names: Names): string {
  switch (action.kind) {
    case 'publish': {
      const what = action.payload === '' ? 'an empty message ' : isJson(action.payload) ? '' : `${brief(action.payload)} `
      return `published ${what}to ${action.topic}${action.retain ? ' (retained)' : ''}`
    }
    case 'command': {
      const name = names.entity(action.entity)
      if (action.verb === 'set') return `set ${name} to ${names.value(action.entity, action.value)}`
      const verb = VERBS[action.verb] ?? action.verb.replaceAll('_', ' ')
      return action.value === null ? `${verb} ${name}` : `${verb} ${name} (${names.value(action.entity, action.value)})`
    }
    case 'refused': return `${action.what} was refused`
  }
}

const ACTIONS_NAMED_MAX = 2

/** The right half of the sentence: what came of it. */
export function outcomeWords(run: Pick<RunRecord, 'actions' | 'error' | 'log'>, names: Names): string {
  const done = run.actions.filter((action) => action.kind !== 'refused')
  const refused = run.actions.length - done.length
  const parts: string[] = done.slice(0, ACTIONS_NAMED_MAX).map((action) => actionWords(action, names))
  if (done.length > ACTIONS_NAMED_MAX) parts.push(`${done.length - ACTIONS_NAMED_MAX} more`)
  if (refused > 0) parts.push(refused === 1 ? '1 action was refused' : `${refused} actions were refused`)
  if (run.error) parts.push(run.error.line === null ? 'failed' : `failed in line ${run.error.line}`)
  if (parts.length === 0) return run.log.length > 0 ? 'only wrote to its log' : 'did nothing'
  if (parts.length === 1) return parts[0] ?? ''
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}

/** A run in one sentence: "Plug temperature rose to 26.4 °C (above 25 °C) → turned on Fan". */
export function runWords(run: Pick<RunRecord, 'trigger' | 'actions' | 'error' | 'log'>, names: Names): string {
  return `${triggerWords(run.trigger, names)} → ${outcomeWords(run, names)}`
}

/** Why something happened, and where to look it up. */
export function causeWords(cause: Cause, names: Names): { text: string; href: string | null } {
  switch (cause.kind) {
    case 'message': return { text: `Message ${cause.id} in the journal`, href: null }
    case 'person': return { text: cause.who === 'owner' ? 'By you' : `By ${cause.who}`, href: null }
    case 'hub': return { text: cause.why, href: null }
    case 'run': {
      const steps = cause.depth > 1 ? ` (step ${cause.depth} of a chain)` : ''
      return { text: `Automation ${names.automation(cause.automation)}${steps}`, href: `#/automations/${encodeURIComponent(cause.automation)}` }
    }
  }
}

/** How long a run took, from µs: "0.4 ms", "12 ms". */
export function durationWords(duration_us: number): string {
  const ms = duration_us / 1000
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return `${Math.round(ms)} ms`
}
