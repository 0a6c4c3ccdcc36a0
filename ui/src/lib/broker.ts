import { href } from './router.svelte'

/** The parts of the page about the broker, each with an address of its own. */
export const BROKER_TABS = [
  { id: 'overview', name: 'Overview' },
  { id: 'clients', name: 'Clients' },
  { id: 'refused', name: 'Refused' },
  { id: 'ways-in', name: 'Ways in' },
  { id: 'limits', name: 'Limits' },
] as const
export type BrokerTab = (typeof BROKER_TABS)[number]['id']

export const brokerHref = (tab: BrokerTab, query: Record<string, string | null> = {}): string =>
  href('settings', tab === 'overview' ? ['broker'] : ['broker', tab], query)

/** One client, over the list of all. */
export const clientHref = (id: string): string => href('settings', ['broker', 'clients', id])

/** What was refused to somebody: a client id, a user or an address. */
export const refusedHref = (whom: string): string => brokerHref('refused', { find: whom })
