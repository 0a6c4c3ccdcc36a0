import { SvelteMap } from 'svelte/reactivity'
import type { CommandState, Value } from './api.gen'
import { clock } from './clock.svelte'
import { words } from './faults.svelte'
import { ago, ahead } from './format'
import { heldWords } from './held'
import { hub } from './hub'
import { live } from './live.svelte'

/** How long the sentence about a command that came to nothing stays; the activity has it for longer. */
export const SENTENCE_MS = 60_000

/** What is on its way to the hub, by entity: a number that tells it from the next. */
const calls = new SvelteMap<string, number>()
/** What the hub did not take, in words. */
const refused = new SvelteMap<string, string>()
const timers = new Map<string, ReturnType<typeof setTimeout>>()
let counted = 0

const told = (entity: string): CommandState | null => live.entities.get(entity)?.command ?? null

/** What became of commands, by entity, in the hub's words. The state shown stays the device's own. */
export const command = {
  /** It is on its way, and the device has not answered yet. */
  isPending: (entity: string): boolean => calls.has(entity) || told(entity)?.stage === 'sent',
  /** What went wrong with the last command, in words; `null` when nothing did. */
  trouble: (entity: string): string | null => refused.get(entity) ?? (calls.has(entity) ? null : trouble(told(entity), clock.now)),
  /** What a command that has come to no end waits for, in words; `null` when there is none. */
  note: (entity: string): string | null => (calls.has(entity) ? SENDING : waitingFor(told(entity), clock.now)),
  /** The same in a word or two, for a card. */
  stage: (entity: string): string | null => (command.isPending(entity) ? 'Sending' : WAITS[told(entity)?.stage ?? ''] ?? null),

  /** Tells the entity to do something. What becomes of it is the hub's to say. */
  async send(entity: string, verb: string, value: Value | null = null, attributes: Record<string, unknown> = {}): Promise<void> {
    counted += 1
    const call = counted
    forget(entity)
    calls.set(entity, call)
    try {
      await hub.call('command', { entity, verb, value, attributes })
    } catch (reason) {
      if (calls.get(entity) === call) {
        refused.set(entity, words(reason))
        timers.set(entity, setTimeout(() => forget(entity), SENTENCE_MS))
      }
    } finally {
      if (calls.get(entity) === call) calls.delete(entity)
    }
  },
}

/** What a command waits for that is not sent yet, by its stage. */
const WAITS: Record<string, string> = { waiting: 'Waits until it wakes', away: 'Waits until the board is back' }

const SENDING = 'Sending. It still says what it said before.'

/** Why a command came to nothing, as long as that is news. */
export function trouble(of: CommandState | null, nowMs: number): string | null {
  if (!of || nowMs - of.since_ms >= SENTENCE_MS) return null
  switch (of.stage) {
    case 'unconfirmed': return `Unconfirmed: ${of.why ?? 'it has not answered.'}`
    case 'held': return `Held back by the relay guard: ${of.why === null ? 'it would break a limit' : heldWords(of.why, of.since_ms, nowMs)}.`
    case 'expired': return `Not sent: ${of.why ?? 'it was not there in time.'}`
    default: return null
  }
}

/** What a command waits for. */
export function waitingFor(of: CommandState | null, nowMs: number): string | null {
  if (of?.stage === 'sent') return SENDING
  const waits = of && WAITS[of.stage]
  if (!of || !waits) return null
  const what = [of.verb.replaceAll('_', ' '), of.value === null ? '' : String(of.value)].filter(Boolean).join(' ')
  const until = of.until_ms === null ? '' : ` It is given up ${ahead(of.until_ms, nowMs)}.`
  return `${waits}: “${what}”, given ${ago(of.asked_ms, nowMs)}.${until}`
}

function forget(entity: string): void {
  clearTimeout(timers.get(entity))
  timers.delete(entity)
  refused.delete(entity)
}
