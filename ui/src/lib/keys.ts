/** Fingers have no `/` key: a filter box names the key only where there may be one. */
const touch = window.matchMedia?.('(pointer: coarse)').matches ?? false

/** A placeholder with the key that leads there. */
export const withSlash = (text: string): string => (touch ? text : `${text}  ( / )`)
