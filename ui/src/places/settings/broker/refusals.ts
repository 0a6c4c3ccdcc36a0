import type { Refusal, RefusalKind } from '../../../lib/api.gen'

/** What was refused, as the head of a line. */
export const KINDS: Record<RefusalKind, string> = {
  login: 'Login refused', publish: 'Publish refused', subscribe: 'Subscription refused', receive: 'Message kept from it', protocol: 'Broke the protocol', limit: 'Met a limit', will: 'Last will refused', duplicate: 'Client id used twice',
}

/** Whom it was about: the client id, or what else is known. */
export const whom = ({ client_id, user, address }: Refusal): string => client_id || user || address || 'Somebody unknown'

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
