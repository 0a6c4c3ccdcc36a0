import type { Permissions, Proposal } from '../../../lib/api.gen'

/** What a change of permissions adds and takes away. */
export interface Difference { added: string[]; removed: string[] }

/** For one user `home/%u/#` and `home/plug/#` are the same rule. */
const meaning = (filter: string, user: string): string => (user === '' ? filter : filter.replaceAll('%u', user))

function between(now: readonly string[], next: readonly string[], user: string): Difference {
  const means = (filters: readonly string[], filter: string): boolean => filters.some((one) => meaning(one, user) === meaning(filter, user))
  return { added: next.filter((filter) => !means(now, filter)), removed: now.filter((filter) => !means(next, filter)) }
}

/** `user` is whose permissions they are. */
export const difference = (now: Permissions, next: Permissions, user = ''): { write: Difference; read: Difference } => ({
  write: between(now.write, next.write, user), read: between(now.read, next.read, user),
})

export function same(now: Permissions, next: Permissions, user = ''): boolean {
  const { write, read } = difference(now, next, user)
  return [write, read].every(({ added, removed }) => added.length === 0 && removed.length === 0)
}

/** Whether everything `narrow` matches is matched by `wide`: MQTT 5, section 4.7. */
export function covers(wide: string, narrow: string): boolean {
  const [a, b] = [wide.split('/'), narrow.split('/')]
  // Wildcards at the front do not reach the broker's own topics.
  if (/^[#+]/.test(wide) && narrow.startsWith('$')) return false
  for (const [i, level] of a.entries()) {
    if (level === '#') return true
    if (i >= b.length || b[i] === '#' || (level !== '+' && level !== b[i])) return false
  }
  return a.length === b.length
}

/** What of `more` the permissions do not cover yet. */
export function missing(now: Permissions, more: Permissions, user = ''): Permissions {
  const beyond = (has: readonly string[], wanted: readonly string[]): string[] =>
    wanted.filter((filter) => !has.some((one) => covers(meaning(one, user), meaning(filter, user))))
  return { write: beyond(now.write, more.write), read: beyond(now.read, more.read) }
}

const plus = (now: readonly string[], more: readonly string[]): string[] => [...new Set([...now, ...more])]

/** The permissions with those of another set too. */
export const joined = (now: Permissions, more: Permissions): Permissions => ({ write: plus(now.write, more.write), read: plus(now.read, more.read) })

/** The permissions with the proposed rule, as they are to be set. */
export function withRule(now: Permissions, { write, filter }: Proposal): Permissions {
  return joined(now, { write: write ? [filter] : [], read: write ? [] : [filter] })
}

/** What the placeholders in a proposed rule stand for, in words. */
export function placeholders({ name, filter }: Proposal, clientId: string | null): { mark: string; stands: string }[] {
  const all = [
    { mark: '%u', stands: `the user name, which is ${name}.` },
    { mark: '%c', stands: `the client id${clientId ? `, which is ${clientId} here` : ''}: each client of ${name} gets topics of its own.` },
  ]
  return all.filter(({ mark }) => filter.split('/').includes(mark))
}

/** Whether the rule stands in them already. */
export const hasRule = (now: Permissions, { write, filter }: Proposal): boolean => (write ? now.write : now.read).includes(filter)
