/** Longest name a credential may have. */
const NAME_LENGTH_MAX = 64

/** Topic filters typed one a line (or with commas). */
export function filtersIn(text: string): string[] {
  return [...new Set(text.split(/[\n,]/).map((line) => line.trim()).filter(Boolean))]
}

/** What is wrong with the filters, in words; the rules are MQTT 5, section 4.7.1. */
export function filterFault(text: string): string | null {
  for (const filter of filtersIn(text)) {
    const levels = filter.split('/')
    for (const [i, level] of levels.entries()) {
      if (level.includes('#') && (level !== '#' || i < levels.length - 1)) return `In ${filter}, # has to stand alone at the end, such as home/#.`
      if (level.includes('+') && level !== '+') return `In ${filter}, + has to stand alone between slashes, such as home/+/set.`
    }
  }
  return null
}

/** What is wrong with a credential's name, in words. */
export function nameFault(name: string): string | null {
  if (/\s/.test(name)) return 'A name has no spaces. Use - or _ instead.'
  if (/[/+#]/.test(name)) return 'A name has no slash, + or #. Use - or _ instead.'
  if (name.length > NAME_LENGTH_MAX) return `A name has at most ${NAME_LENGTH_MAX} characters.`
  return null
}
