import { href, router } from '../../../lib/router.svelte'

/** The wizard's steps have addresses of their own, over the list as it is filtered: Back goes a step back. */
const STEP = { candidate: null, at: null, serial: null, firmware: null, again: null, pairing: null, way: null, name: null } as const
type Step = Partial<Record<keyof typeof STEP, string>>

export const wizardHref = (step: Step = {}): string => {
  const query = { ...Object.fromEntries(router.route.query), ...STEP, add: 'board', device: null, entity: null, ...step }
  return href('devices', [], query)
}

/** The list, without the wizard. */
export const listHref = (): string => href('devices', [], { ...Object.fromEntries(router.route.query), ...STEP, add: null })

/** A device over the list. */
export const deviceHref = (id: string): string => href('devices', [id], { ...Object.fromEntries(router.route.query), ...STEP, add: null })
