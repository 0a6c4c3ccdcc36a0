import type { AcceptProposal, AcceptedProposal, Component, DismissedProposal, ProposalView, ProposedEntity } from './api.gen'
import { readFault } from './faults.svelte'
import { hub } from './hub'

/** Days of past messages that become readings when a proposal is accepted. */
export const HISTORY_DAYS = 7

/** What raw traffic gives away about boards that do not announce themselves, asked for again while somebody looks. */
class Proposed {
  list = $state.raw<ProposalView[] | null>(null)
  dismissed = $state.raw<DismissedProposal[]>([])
  /** Proposals, and topics, that are too many for one answer. */
  more = $state(0)
  topicsLeftOff = $state(0)
  error = $state<string | null>(null)
  #asking: Promise<void> | null = null

  /** Asks, unless an answer is on its way. */
  ask(): Promise<void> {
    if (document.hidden) return Promise.resolve()
    this.#asking ??= this.#read().finally(() => { this.#asking = null })
    return this.#asking
  }

  async #read(): Promise<void> {
    try {
      const answer = await hub.call('list_proposals', {})
      this.list = answer.proposals
      this.dismissed = answer.dismissed
      ;[this.more, this.topicsLeftOff] = [answer.more, answer.topics_left_off]
      this.error = null
    } catch (reason) {
      this.error = readFault(reason)
    }
  }

  /** What was asked before something was done does not know of it. */
  async #askAnew(): Promise<void> {
    await this.#asking
    await this.ask()
  }

  /** Asks now and then every so often, until the returned function is called. */
  follow(everyMs: number): () => void {
    void this.ask()
    const timer = setInterval(() => void this.ask(), everyMs)
    return () => clearInterval(timer)
  }

  async accept(wanted: AcceptProposal): Promise<AcceptedProposal> {
    const made = await hub.call('accept_proposal', wanted)
    this.list = this.list?.filter(({ id }) => id !== wanted.id) ?? null
    await this.#askAnew()
    return made
  }

  async dismiss(id: string): Promise<void> {
    await hub.call('dismiss_proposal', { id, key: null })
    await this.#askAnew()
  }

  async restore(dismissed: { id: string; key: string | null }): Promise<void> {
    await hub.call('restore_proposal', { id: dismissed.id, key: dismissed.key })
    await this.#askAnew()
  }
}

export const proposed = new Proposed()

/** What was just done with a proposal. */
export type Done = { name: string; device: string } | { name: string; id: string }

/** Whether it is still so: the device is there, or the proposal is dismissed. */
export const holds = (done: Done, devices: { has: (id: string) => boolean }, dismissed: readonly DismissedProposal[]): boolean =>
  'device' in done ? devices.has(done.device) : dismissed.some(({ id, key }) => id === done.id && key === null)

/** The proposal that a topic belongs to. */
export function proposalOf(topic: string, list: readonly ProposalView[]): ProposalView | null {
  return list.find(({ entities, presence }) => presence?.topic === topic || entities.some((one) => one.topic === topic || one.command_topic === topic))
    ?? list.find(({ root }) => root !== '' && topic.startsWith(`${root}/`)) ?? null
}

/** What was dismissed of a topic. A dismissed one is named by user and root. */
export function dismissedOf(topic: string, dismissed: readonly DismissedProposal[]): DismissedProposal[] {
  return dismissed.filter(({ id, key }) => {
    const root = id.slice(id.indexOf(' ') + 1)
    return key === null ? root !== '' && (topic === root || topic.startsWith(`${root}/`)) : key.split('#')[0] === topic
  })
}

const KINDS: Partial<Record<Component, string>> = {
  sensor: 'word', binary_sensor: 'on or off', switch: 'switch', number: 'number that can be set', select: 'choice',
}

/** What an entity is, in a word or two. */
export function kindOf({ component, state_class }: Pick<ProposedEntity, 'component' | 'state_class'>): string {
  if (component === 'sensor' && state_class === 'total_increasing') return 'counter'
  if (component === 'sensor' && state_class !== null) return 'number'
  return KINDS[component] ?? component
}

/** `Temperature °C`, `Relay (switch)`. */
export function briefly(entity: ProposedEntity): string {
  return entity.unit ? `${entity.name} ${entity.unit}` : `${entity.name} (${kindOf(entity)})`
}
