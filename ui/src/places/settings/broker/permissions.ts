import type { Permissions, Proposal } from '../../../lib/api.gen'

/** What a change of permissions adds and takes away. */
export interface Difference { added: string[]; removed: string[] }

const between = (now: readonly string[], next: readonly string[]): Difference => ({
  added: next.filter((filter) => !now.includes(filter)),
  removed: now.filter((filter) => !next.includes(filter)),
})

export const difference = (now: Permissions, next: Permissions): { write: Difference; read: Difference } => ({
  write: between(now.write, next.write), read: between(now.read, next.read),
})

export function same(now: Permissions, next: Permissions): boolean {
  const { write, read } = difference(now, next)
  return [write, read].every(({ added, removed }) => added.length === 0 && removed.length === 0)
}

const plus = (now: readonly string[], more: readonly string[]): string[] => [...new Set([...now, ...more])]

/** The permissions with those of another set too. */
export const joined = (now: Permissions, more: Permissions): Permissions => ({ write: plus(now.write, more.write), read: plus(now.read, more.read) })

/** The permissions with the proposed rule, as they are to be set. */
export function withRule(now: Permissions, { write, filter }: Proposal): Permissions {
  return joined(now, { write: write ? [filter] : [], read: write ? [] : [filter] })
}

/** Whether the rule stands in them already. */
export const hasRule = (now: Permissions, { write, filter }: Proposal): boolean => (write ? now.write : now.read).includes(filter)
