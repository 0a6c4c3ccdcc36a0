import type { Value } from '../../lib/api.gen'
import { command } from '../../lib/command.svelte'
import type { LiveEntity } from '../../lib/live.svelte'

/** A control's way to its device. */
export const tell = (entity: LiveEntity, verb: string, value: Value | null = null, attributes: Record<string, unknown> = {}): void =>
  void command.send(entity.id, verb, value, attributes)

export const can = (entity: LiveEntity, verb: string): boolean => verb in entity.entity.commands

/** Cannot be told anything: a sleeper can, it hears of it when it wakes. */
export const isOut = (entity: LiveEntity): boolean => entity.state.availability === 'unavailable'

/** The state's word; `null` when it is unknown, or none. */
export const wordOf = (entity: LiveEntity): string | null => (typeof entity.state.value === 'string' ? entity.state.value : null)
