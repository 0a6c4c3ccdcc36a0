import type { RetainedKind, RetainedTopic } from '../../lib/api.gen'
import { bytes } from '../../lib/format'

const KINDS: Record<RetainedKind, string> = { announcement: 'Announcement of a device', heard: 'Value of a device', other: 'Message Hearth does not read' }

/** What a retained message is, in words: `Value of a device, 8 B`. */
export const retainedWords = ({ kind, bytes: length }: Pick<RetainedTopic, 'kind' | 'bytes'>): string => `${KINDS[kind]}, ${bytes(length)}`

/** Retained messages by the credential that sent them, the most first. */
export function byBoard(topics: readonly RetainedTopic[]): { user: string; topics: RetainedTopic[] }[] {
  const boards = new Map<string, RetainedTopic[]>()
  for (const one of topics) {
    const own = boards.get(one.user)
    if (own) own.push(one)
    else boards.set(one.user, [one])
  }
  return [...boards].map(([user, own]) => ({ user, topics: own })).sort((a, b) => b.topics.length - a.topics.length || a.user.localeCompare(b.user))
}
