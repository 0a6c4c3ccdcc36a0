/** Texts that were typed and not saved, by what they are a text of. Leaving an editor loses nothing: coming back finds it again. */
const drafts = new Map<string, string>()

export const NEW = '+new'

export const draftOf = (id: string): string | undefined => drafts.get(id)
export const keepDraft = (id: string, source: string): void => { drafts.set(id, source) }
export const dropDraft = (id: string): void => { drafts.delete(id) }
export const hasDrafts = (): boolean => drafts.size > 0

// Closing the page would lose them, so the browser asks first.
window.addEventListener('beforeunload', (event) => { if (hasDrafts()) event.preventDefault() })
