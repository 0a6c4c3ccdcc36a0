// WebKitGTK reports the language "C" when LANG is unset, and every Intl constructor throws on it; a chart library
// calls one while it is imported, and the window stays blank. So this is the first import of main.ts.
try {
  new Intl.NumberFormat(navigator.language).format(0)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US' })
  Object.defineProperty(navigator, 'languages', { value: ['en-US'] })
}

export {}
