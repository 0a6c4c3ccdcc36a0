/** Forms are written for another program: one this browser cannot read is left to the hub. */
export function fits(pattern: string, text: string, whole: boolean): boolean {
  try {
    return new RegExp(`^(?:${pattern})${whole ? '$' : ''}`).test(text)
  } catch {
    return true
  }
}

/** Kinds of characters, as patterns write them. */
const CHARACTERS: Record<string, string> = {
  '\\d': 'digit', '[0-9]': 'digit', '[a-zA-Z]': 'letter', '[A-Za-z]': 'letter', '[a-z]': 'small letter', '[A-Z]': 'capital letter',
  '[a-zA-Z0-9]': 'letter or digit', '[A-Za-z0-9]': 'letter or digit', '[0-9A-F]': 'hexadecimal digit', '[0-9a-f]': 'hexadecimal digit', '[0-9a-fA-F]': 'hexadecimal digit', '[0-9A-Fa-f]': 'hexadecimal digit',
}
const SIMPLE = /^\^?(\\d|\[[^\]]+\])(?:\{(\d+)(?:(,)(\d*))?\}|([+*]))?\$?$/

/** What a pattern asks for, such as `4 digits`; `null` when it takes more than a few words. */
export function patternWords(pattern: string): string | null {
  const [, characters = '', least, range, most, any] = SIMPLE.exec(pattern) ?? []
  const one = CHARACTERS[characters]
  if (one === undefined) return null
  const many = one === 'letter or digit' ? 'letters or digits' : `${one}s`
  if (any) return any === '+' ? `1 or more ${many}` : `only ${many}`
  if (least === undefined) return `1 ${one}`
  const amount = range === undefined || most === least ? least : most ? `${least} to ${most}` : `${least} or more`
  return `${amount} ${amount === '1' ? one : many}`
}
