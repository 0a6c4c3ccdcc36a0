import { ApiError } from './transport'

let last = $state<string | null>(null)

/** Errors nothing else caught, shown in one quiet line at the foot of the page. */
export const faults = {
  get last(): string | null { return last },
  report(reason: unknown): void {
    // Browsers report this one when a chart resizes itself; the next frame settles it.
    if (String(reason).includes('ResizeObserver loop')) return
    last = words(reason)
  },
  clear(): void { last = null },
}

/** Why something could not be read, in words; nothing while the connection is away, for the status line says so and
 * everything is asked again when it is back. */
export const readFault = (reason: unknown): string | null => (reason instanceof ApiError && reason.code === 'offline' ? null : words(reason))

/** Any thrown thing in words. */
export function words(reason: unknown): string {
  if (reason instanceof ApiError || reason instanceof Error) return reason.message
  return typeof reason === 'string' ? reason : 'Something in this page failed. Reload it; your home is not affected.'
}
