import type { ClientsFrame, ClientView, Streams } from '../../../lib/api.gen'
import { words } from '../../../lib/faults.svelte'
import type { Sink } from '../../../lib/transport'
import { arranged, type Counts, counts, kept, merged, take, type View } from './clients'

/** A list sorted by something that moves is sorted again this often, ms: often enough to be true, rarely enough to click on. */
export const SORT_EVERY_MS = 5_000

type Watch = (sink: Sink<Streams['watch_clients'][1]>) => () => void
/** Calls when the page is about to be drawn; the returned function calls it off. */
type Draw = (draw: () => void) => () => void

const beforeDrawing: Draw = (draw) => {
  const id = requestAnimationFrame(draw)
  return () => cancelAnimationFrame(id)
}

/** The clients of the broker, live. A thousand of them change each second, so the page is told once per drawn frame,
 * and rows keep their places between two sortings. */
export class Clients {
  /** Rises when anything about a client changed; the clients themselves are plain objects. */
  version = $state(0)
  /** Those that fit the view, in order. */
  ids = $state.raw<string[]>([])
  loading = $state(true)
  error = $state<string | null>(null)
  #all = new Map<string, ClientView>()
  #view: View
  #waiting: ClientsFrame[] = []
  #cancel: (() => void) | null = null
  #draw: Draw

  constructor(view: View, draw: Draw = beforeDrawing) {
    this.#view = view
    this.#draw = draw
  }

  get(id: string): ClientView | undefined { return this.#all.get(id) }

  counts(): Counts { return counts(this.#all.values()) }

  /** Follows the clients until the returned function is called. */
  start(watch: Watch): () => void {
    // The first frame has them all, and so has the first one after a lost connection.
    let opened = 0
    let whole = true
    const stop = watch({
      open: () => { if (++opened > 1) whole = true },
      item: (frame) => {
        if (whole) this.#waiting = [{ ...frame, gone: [...this.#all.keys()] }]
        else this.#waiting.push(frame)
        whole = false
        this.error = null
        this.#cancel ??= this.#draw(() => this.#take())
      },
      end: (error) => {
        this.loading = false
        if (error) this.error = words(error)
      },
    })
    const timer = setInterval(() => this.sort(), SORT_EVERY_MS)
    return () => {
      stop()
      clearInterval(timer)
      this.#cancel?.()
      this.#cancel = null
    }
  }

  /** Shows another view, sorted at once. */
  show(view: View): void {
    this.#view = view
    this.sort()
  }

  sort(): void {
    const next = arranged(this.#all.values(), this.#view)
    if (next.length !== this.ids.length || next.some((id, at) => id !== this.ids[at])) this.ids = next
  }

  #take(): void {
    this.#cancel = null
    const moved = take(this.#all, merged(this.#waiting))
    this.#waiting = []
    if (this.loading) this.sort()
    else if (moved) this.ids = kept(this.ids, this.#all, this.#view)
    this.loading = false
    this.version += 1
  }
}
