import { SvelteMap } from 'svelte/reactivity'
import type { HealthLevel, HealthMark } from './api.gen'
import { hub } from './hub'

/** The hub looks at its devices in turn, over minutes; asking more often shows nothing sooner. */
const AGAIN_MS = 30_000

const marks = new SvelteMap<string, HealthMark>()
let watchers = 0
let timer: ReturnType<typeof setInterval> | undefined

async function ask(): Promise<void> {
  if (document.hidden) return
  try {
    const answer = await hub.call('list_health', {})
    const known = new Set(answer.marks.map((mark) => mark.device))
    for (const id of marks.keys()) if (!known.has(id)) marks.delete(id)
    for (const mark of answer.marks) {
      const before = marks.get(mark.device)
      if (!before || before.level !== mark.level || before.what !== mark.what) marks.set(mark.device, mark)
    }
  } catch { /* The status line says that the hub is away; old marks are better than none. */ }
}

/** Which devices have something to look at. */
export const health = {
  of: (device: string): HealthMark | undefined => marks.get(device),
  /** Keeps the marks fresh until the returned function is called. */
  watch(): () => void {
    watchers += 1
    if (watchers === 1) {
      void ask()
      timer = setInterval(() => void ask(), AGAIN_MS)
    }
    return () => {
      watchers -= 1
      if (watchers === 0) clearInterval(timer)
    }
  },
}

/** What a level is called, and the tone it is shown in. */
export const LEVEL_WORDS: Record<HealthLevel, string> = { fine: 'fine', notice: 'to look at', warning: 'needs care', danger: 'in trouble' }
export const LEVEL_TONES = { fine: 'ok', notice: 'notice', warning: 'warning', danger: 'danger' } as const
