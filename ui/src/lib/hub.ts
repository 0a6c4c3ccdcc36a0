import { inWindow, socketTransport, tauriTransport } from './transport'

/** The hub this page talks to. */
export const hub = inWindow() ? tauriTransport() : socketTransport()
