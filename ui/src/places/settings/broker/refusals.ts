import { mdiLockReset, mdiPlus, mdiShieldHalfFull } from '@mdi/js'
import type { ClientDetail, Refusal, RefusalKind } from '../../../lib/api.gen'
import { href } from '../../../lib/router.svelte'

/** A last will is refused before the connection counts as open, at most by this, ms. */
const LOGIN_MS = 5_000

/** What was refused, as the head of a line. */
export const KINDS: Record<RefusalKind, string> = {
  login: 'Login refused', publish: 'Publish refused', subscribe: 'Subscription refused', receive: 'Message kept from it', protocol: 'Broke the protocol', limit: 'Met a limit', will: 'Last will refused', duplicate: 'Client id used twice', guard: 'Held back by the relay guard',
}

/** Where what was refused can be mended: the limits it met, a new password, or a credential of the name it gave. The reasons are those of the hub's door. */
export function remedy({ kind, user, why }: Refusal): { before: string; name: string; icon: string; href: string } | null {
  if (kind === 'guard') return { before: 'Limits of the relay guard', name: '', icon: mdiShieldHalfFull, href: href('settings', ['guard']) }
  if (user === null) return null
  if (/^(the password for|it sent no password for) /.test(why)) return { before: 'New password for', name: user, icon: mdiLockReset, href: href('settings', ['access'], { renew: user }) }
  // The hub does not tell a name that nobody has: it may be a password in the wrong field.
  if (/^there is no credential called .*…\(\d+ characters\)/.test(why)) return { before: 'Make a credential', name: '', icon: mdiPlus, href: href('settings', ['access']) }
  if (why.startsWith('there is no credential called ')) return { before: 'Make', name: user, icon: mdiPlus, href: href('settings', ['access'], { add: user }) }
  return null
}

/** Whom it was about: the client id, or what else is known; Hearth itself is no client. */
export const whom = ({ client_id, user, address }: Refusal): string => client_id || (user === 'hearth' ? 'Hearth itself' : user) || address || 'Somebody unknown'

/** A client tells these once, when it connects: what was refused stays refused until it comes again. */
export const toldOnce = ({ kind, client_id }: Refusal): boolean => (kind === 'will' || kind === 'subscribe') && client_id !== null

/** How it stands with a last will or a subscription that was refused and is allowed now: the client has it, goes `without`, or is `away`. */
export function standing({ kind, topic, last_ms }: Refusal, { client, subscriptions, will }: ClientDetail): 'fine' | 'without' | 'away' {
  if (!client?.connected) return 'away'
  const has = kind === 'will' ? will?.topic === topic : subscriptions.some(({ filter }) => filter === topic)
  return has || client.since_ms > last_ms ? 'fine' : 'without'
}

/** Since a client connected, or fell asleep after that, it was refused something of this kind: what it has not may be that. */
export function refusedSince({ client, refusals }: ClientDetail, wanted: RefusalKind): Refusal | null {
  return refusals.find(({ kind, last_ms }) => kind === wanted && client !== null && (!client.connected || last_ms >= client.since_ms - LOGIN_MS)) ?? null
}

/** Refusals that contain each word of the text in client id, user, address, topic or reason. */
export function matching(refusals: readonly Refusal[], search: string): Refusal[] {
  const parts = search.trim().toLowerCase().split(/\s+/).filter(Boolean)
  return refusals.filter(({ client_id, user, address, topic, why }) => {
    const hay = [client_id, user, address, topic, why].join('\n').toLowerCase()
    return parts.every((part) => hay.includes(part))
  })
}

/** Refusals that one rule would mend, or that are settled, folded under the newest of them: a hundred boards with one credential are one thing to do. */
export interface Fold { key: string; refusal: Refusal; others: Refusal[] }
export function folded(refusals: readonly Refusal[]): Fold[] {
  const folds = new Map<string, Fold>()
  for (const refusal of refusals) {
    const { kind, proposal, settled, user, id } = refusal
    const key = proposal ? [kind, proposal.name, proposal.write, proposal.filter].join('\n') : settled ? [kind, user].join('\n') : String(id)
    const fold = folds.get(key)
    if (fold) fold.others.push(refusal)
    else folds.set(key, { key, refusal, others: [] })
  }
  return [...folds.values()]
}

/** A reason of the hub as a sentence; what begins with code stays as it is written. */
export function sentence(text: string): string {
  const begun = text.replace(/^\p{Ll}/u, (first) => first.toUpperCase())
  return /[.!?…]$/.test(begun) || begun === '' ? begun : `${begun}.`
}

/** A text of the hub and the commands in it, which stand between backticks. */
export const commandsIn = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, command]) => command!).filter((one) => one.includes(' '))
