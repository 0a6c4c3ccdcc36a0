import type { ActivityLine } from '../../lib/api.gen'
import { hub } from '../../lib/hub'
import { live } from '../../lib/live.svelte'

/** Refusals shown at once; a board that tries again and again says the same. */
const REFUSALS_SHOWN_MAX = 4

/** How a new board arrives: its first login, what it was refused, and when it left again. */
export class Arrival {
  /** Warnings about this board, the newest first, each once. */
  refusals = $state.raw<string[]>([])
  /** A login under a name nobody has, while this board has not logged in: probably a slip of the pen. */
  stranger = $state.raw<{ name: string | null; text: string } | null>(null)
  /** It was here. */
  #seen = $state(false)
  /** What the activity said when it left. */
  leaving = $state<string | null>(null)
  /** Its connections now, by client id. */
  #clients = $state.raw<readonly string[]>([])
  readonly #user: string
  /** Names that may log in: refusals under these are no slips of this board. */
  #known: ReadonlySet<string> | null = null

  constructor(user: string) { this.#user = user }

  get connected(): boolean { return this.#clients.length > 0 }
  get left(): boolean { return this.#seen && !this.connected }

  /** Watches until the returned function is called. */
  start(): () => void {
    // Without the list no stranger is told from a neighbour, and none is shown.
    hub.call('list_credentials', {}).then(({ credentials }) => { this.#known = new Set(credentials.map(({ name }) => name)) }, () => {})
    const ends = [
      live.on('connected', ({ user, client_id }) => {
        if (user !== this.#user) return
        // What was wrong with its earlier tries is mended.
        if (!this.#seen) this.refusals = []
        this.#clients = [...this.#clients, client_id]
        this.#seen = true
        this.leaving = this.stranger = null
      }),
      live.on('disconnected', (id) => { this.#clients = this.#clients.filter((one) => one !== id) }),
      live.on('activity', (line) => this.#hear(line)),
      live.on('resync', () => void this.#look()),
    ]
    return () => { for (const end of ends) end() }
  }

  /** Who is here, after frames were missed. */
  async #look(): Promise<void> {
    try {
      const { clients } = await hub.call('list_clients', {})
      this.#clients = clients.filter(({ user, connected }) => connected && user === this.#user).map(({ client_id }) => client_id)
      if (this.connected) this.#seen = true
    } catch {
      // The next resync asks again.
    }
  }

  #hear({ about, subject, level, text }: ActivityLine): void {
    if (about !== 'client') return
    if (subject === this.#user) {
      if (level !== 'info') this.refusals = [text, ...this.refusals.filter((one) => one !== text)].slice(0, REFUSALS_SHOWN_MAX)
      else if (this.left) this.leaving = text
    } else if (level !== 'info' && !this.#seen && this.#known && (subject === null || !this.#known.has(subject))) {
      this.stranger = { name: subject, text }
    }
  }
}
