/** What the owner chose; `system` follows the desktop. Kept in this browser only: a phone may differ from a wall panel. */
export type ThemeChoice = 'system' | 'light' | 'dark'

const KEY = 'hearth.theme'
const dark = window.matchMedia?.('(prefers-color-scheme: dark)')

function remembered(): ThemeChoice {
  const kept = localStorage.getItem(KEY)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

let choice = $state<ThemeChoice>(remembered())
let systemDark = $state(dark?.matches ?? false)
dark?.addEventListener('change', (event) => { systemDark = event.matches; show() })

export const theme = {
  get choice(): ThemeChoice { return choice },
  set choice(next: ThemeChoice) {
    choice = next
    if (next === 'system') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, next)
    show()
  },
  /** What is on screen now. Charts read it to paint again when it changes. */
  get shown(): 'light' | 'dark' {
    return choice === 'system' ? (systemDark ? 'dark' : 'light') : choice
  },
}

function show(): void {
  document.documentElement.dataset.theme = theme.shown
}
show()
