import { SvelteMap } from 'svelte/reactivity'
import { hub } from './hub'
import { live } from './live.svelte'

const names = new SvelteMap<string, string>()
let following = false

async function ask(): Promise<void> {
  try {
    for (const { id, name } of (await hub.call('list_automations', {})).automations) names.set(id, name)
  } catch {
    // Ids stand in for names until the next change or reconnect asks again.
  }
}

/** Name of an automation; its id until the list is there, or when it is gone. Read in a template it follows renames. */
export function automationName(id: string): string {
  if (!following) {
    following = true
    live.on('automationsChanged', () => void ask())
    live.on('resync', () => void ask())
    void ask()
  }
  return names.get(id) ?? id
}
