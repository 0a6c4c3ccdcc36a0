import type { TopicMessage } from '../../lib/api.gen'
import { readFault } from '../../lib/faults.svelte'
import { hub } from '../../lib/hub'

/** Messages of one topic kept on the page. */
const MESSAGES_SHOWN_MAX = 2_000
const PAGE = 100
/** When a frame merged messages away they are fetched from the journal, but not more often than this, ms. */
const FILL_MS = 1_000

/** Newest first, each once. */
export function merge(known: readonly TopicMessage[], more: readonly TopicMessage[], most = MESSAGES_SHOWN_MAX): TopicMessage[] {
  const newest = known[0]?.id ?? 0
  if (more.length === 1 && more[0] !== undefined && more[0].id > newest) return [more[0], ...known].slice(0, most)
  const byId = new Map(known.map((message) => [message.id, message]))
  for (const message of more) byId.set(message.id, message)
  return [...byId.values()].sort((a, b) => b.id - a.id).slice(0, most)
}

/** Everything a topic said, newest first, growing while it is shown. */
export class TopicHistory {
  messages = $state.raw<TopicMessage[]>([])
  more = $state(false)
  loading = $state(true)
  error = $state<string | null>(null)
  /** New messages wait in `held` while the picture is held still. */
  paused = false
  readonly topic: string
  #fill: ReturnType<typeof setTimeout> | null = null
  #asked = false
  #ended = false

  constructor(topic: string) { this.topic = topic }

  /** Follows the topic until the returned function is called. */
  start(): () => void {
    const close = hub.subscribe('watch_topics', { filter: this.topic }, {
      open: () => void this.#ask(null),
      item: ({ messages, count }) => {
        if (this.paused) return
        this.messages = merge(this.messages, messages)
        if (count > messages.length) this.#fill ??= setTimeout(() => { this.#fill = null; void this.#ask(null) }, FILL_MS)
      },
      end: (error) => { if (error) this.error = error.message },
    })
    return () => {
      this.#ended = true
      close()
      if (this.#fill !== null) clearTimeout(this.#fill)
    }
  }

  pause(paused: boolean): void {
    if (paused === this.paused) return
    this.paused = paused
    if (!paused) void this.#ask(null)
  }

  older(): Promise<void> {
    return this.#ask(this.messages.at(-1)?.id ?? null)
  }

  async #ask(before: number | null): Promise<void> {
    this.loading = true
    try {
      const { messages } = await hub.call('topic_history', { topic: this.topic, before, limit: PAGE })
      if (this.#ended) return
      // A page that does not reach what we have would leave a hole that nobody sees: start over from it.
      const joins = before !== null || messages.length < PAGE || (messages.at(-1)?.id ?? 0) <= (this.messages[0]?.id ?? 0)
      const first = !this.#asked || !joins
      this.#asked = true
      this.messages = merge(joins ? this.messages : [], messages)
      if (before !== null || first) this.more = messages.length === PAGE && this.messages.length < MESSAGES_SHOWN_MAX
      this.error = null
    } catch (reason) {
      if (!this.#ended) this.error = readFault(reason)
    } finally {
      this.loading = false
    }
  }
}
