/** How well `query` fits `text`; 0 does not. Each word of the query must occur; earlier and at a word's start is better. */
export function fits(text: string, query: string): number {
  const hay = text.toLowerCase()
  let score = 1
  for (const word of query.toLowerCase().split(/\s+/)) {
    if (word === '') continue
    const at = hay.indexOf(word)
    if (at < 0) return 0
    const startsWord = at === 0 || /[\s/_.-]/.test(hay[at - 1]!)
    score += (startsWord ? 3 : 1) + 1 / (1 + at)
  }
  return score - hay.length / 1000
}

/** The best `limit` of `items`, best first; with an empty query the first ones. */
export function best<T>(items: Iterable<T>, text: (item: T) => string, query: string, limit: number): T[] {
  const found: { item: T; score: number }[] = []
  for (const item of items) {
    const score = query.trim() === '' ? 1 : fits(text(item), query)
    if (score > 0) found.push({ item, score })
  }
  return found.sort((a, b) => b.score - a.score).slice(0, limit).map(({ item }) => item)
}
