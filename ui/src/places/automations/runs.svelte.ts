import type { RunLogLine, RunRecord } from '../../lib/api.gen'
import { readFault } from '../../lib/faults.svelte'
import { hub } from '../../lib/hub'
import { live } from '../../lib/live.svelte'

/** Runs kept on the page; older ones are asked for again. */
const RUNS_SHOWN_MAX = 400
const PAGE = 50
/** Log lines of a run that has not ended yet. */
const LINES_SAID_MAX = 100
/** Newest runs that a line may belong to. */
const RUNS_LOOKED_AT = 20

/** Puts new runs before old ones, each once, newest first. */
export function merge(known: readonly RunRecord[], more: readonly RunRecord[], most = RUNS_SHOWN_MAX): RunRecord[] {
  const byId = new Map(known.map((run) => [run.id, run]))
  for (const run of more) byId.set(run.id, run)
  return [...byId.values()].sort((a, b) => b.started_ms - a.started_ms).slice(0, most)
}

/** The runs of one automation, as they happen. */
export class RunList {
  runs = $state.raw<RunRecord[]>([])
  /** What it says in a run that goes on. */
  saying = $state.raw<RunLogLine[]>([])
  more = $state(false)
  loading = $state(true)
  error = $state<string | null>(null)
  /** Moves with every run that arrives live. */
  arrived = $state(0)
  readonly #automation: string

  constructor(automation: string) { this.#automation = automation }

  /** Follows the automation until the returned function is called. */
  start(): () => void {
    void this.#ask(null)
    const ends = [
      live.on('run', (run) => {
        if (run.automation !== this.#automation) return
        this.runs = merge(this.runs, [run])
        this.saying = []
        this.arrived += 1
      }),
      live.on('scriptLog', ({ automation, line }) => {
        if (automation !== this.#automation) return
        // A short run ends within the frame that brings its lines, and stands in the list already.
        if (this.runs.slice(0, RUNS_LOOKED_AT).some(({ log }) => log.some((one) => one.time_ms === line.time_ms && one.text === line.text))) return
        this.saying = [...this.saying, line].slice(-LINES_SAID_MAX)
      }),
      live.on('resync', () => void this.#ask(null)),
    ]
    return () => { for (const end of ends) end() }
  }

  older(): Promise<void> {
    return this.#ask(this.runs.at(-1)?.started_ms ?? null)
  }

  async #ask(before_ms: number | null) {
    this.loading = true
    try {
      const { runs } = await hub.call('list_runs', { automation: this.#automation, before_ms, limit: PAGE })
      this.runs = merge(this.runs, runs)
      if (before_ms !== null || this.runs.length <= PAGE) this.more = runs.length === PAGE && this.runs.length < RUNS_SHOWN_MAX
      this.error = null
    } catch (reason) {
      this.error = readFault(reason)
    } finally {
      this.loading = false
    }
  }
}
