import type { ApiError, TopicFrame, TopicMessage, Topics } from '../../lib/api.gen'
import { TopicTree } from './tree'

/** What the explorer needs of the hub; the page gives it the real one, tests one of their own. */
export interface Source {
  list(after: string | null): Promise<Topics>
  /** Calls `opened` whenever messages may have been missed: at the start and after every reconnect. */
  watch(item: (frame: TopicFrame) => void, opened: () => void, failed: (error: ApiError) => void): () => void
}

/** How often the rows on screen are redrawn at most, ms: eight times a second reads as live and leaves the page idle between. */
const REDRAW_MS = 125
/** How often counts that frames merged away are put right from the journal, ms. */
const RECOUNT_MS = 60_000
/** Span over which the rate is averaged, s. */
const RATE_SPAN_S = 5

/** The live tree of all topics, for as long as the place is open. */
export class Explorer {
  readonly tree = new TopicTree()
  /** Moves when values on screen may be old. */
  tick = $state(0)
  /** Moves when rows were added. */
  shape = $state(0)
  paused = $state(false)
  /** Messages that came while paused. */
  waiting = $state(0)
  loading = $state(true)
  error = $state<ApiError | null>(null)
  /** Messages per second over the last seconds. */
  rate = $state(0)

  #source: Source
  #held = new Map<string, TopicMessage>()
  #heldMore = 0
  #redraw: ReturnType<typeof setTimeout> | null = null
  #grew = false
  #seconds: number[] = []
  #second = 0
  #asking = 0

  constructor(source: Source) { this.#source = source }

  /** Opens the stream and fills the tree. Returns how to stop. */
  start(): () => void {
    const close = this.#source.watch(
      (frame) => this.#frame(frame),
      () => void this.#ask(),
      (error) => { this.error = error; this.loading = false },
    )
    const pulse = setInterval(() => this.#pulse(), 1000)
    const recount = setInterval(() => {
      if (this.tree.uncounted > 0 && !this.paused) void this.#ask()
    }, RECOUNT_MS)
    return () => {
      close()
      clearInterval(pulse)
      clearInterval(recount)
      if (this.#redraw !== null) clearTimeout(this.#redraw)
      this.#redraw = null
      this.#asking += 1
    }
  }

  /** Holds the picture still, or lets what came in the meantime in. */
  pause(paused: boolean) {
    this.paused = paused
    if (paused) return
    for (const message of this.#held.values()) this.#grew = this.tree.arrived(message, Date.now()) || this.#grew
    this.tree.uncounted += this.#heldMore
    this.#held.clear()
    this.#heldMore = 0
    this.waiting = 0
    this.#draw()
  }

  #frame(frame: TopicFrame) {
    this.#second += frame.count
    if (this.paused) {
      for (const message of frame.messages) {
        if (this.#held.has(message.topic)) this.#heldMore += 1
        this.#held.set(message.topic, message)
      }
      this.#heldMore += Math.max(0, frame.count - frame.messages.length)
      this.waiting += frame.count
      return
    }
    const nowMs = Date.now()
    for (const message of frame.messages) this.#grew = this.tree.arrived(message, nowMs) || this.#grew
    this.tree.uncounted += Math.max(0, frame.count - frame.messages.length)
    this.#later()
  }

  /** Asks for all topics, page by page; a newer question ends an older one. */
  async #ask() {
    const asking = ++this.#asking
    try {
      let after: string | null = null
      do {
        const page: Topics = await this.#source.list(after)
        if (asking !== this.#asking) return
        for (const view of page.topics) this.#grew = this.tree.snapshot(view) || this.#grew
        after = page.more ? (page.topics.at(-1)?.last.topic ?? null) : null
        this.#draw()
      } while (after !== null)
      this.tree.uncounted = 0
      this.error = null
    } catch (error) {
      if (asking === this.#asking) this.error = error as ApiError
    } finally {
      if (asking === this.#asking) this.loading = false
    }
  }

  #later() {
    this.#redraw ??= setTimeout(() => this.#draw(), REDRAW_MS)
  }

  #draw() {
    if (this.#redraw !== null) clearTimeout(this.#redraw)
    this.#redraw = null
    this.tick += 1
    if (this.#grew) this.shape += 1
    this.#grew = false
  }

  #pulse() {
    this.#seconds.push(this.#second)
    this.#second = 0
    if (this.#seconds.length > RATE_SPAN_S) this.#seconds.shift()
    this.rate = this.#seconds.reduce((a, b) => a + b, 0) / this.#seconds.length
  }
}
