const BAND_ALPHA = 0.16

/** A colour of the palette with less of it; the palette is written in six hex digits. */
export function faint(hex: string): string {
  const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16))
  return `rgba(${r}, ${g}, ${b}, ${BAND_ALPHA})`
}

/** Room above and below, so that a flat line is not a line on the border and noise is not an alps. */
export function scaleRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1]
  const least = Math.max(Math.abs(max) * 0.02, 0.5)
  const spread = Math.max(max - min, least)
  const middle = (min + max) / 2
  const low = middle - spread * 0.6
  return [min >= 0 && low < 0 ? 0 : low, middle + spread * 0.6]
}

/** Index of the value of a sorted list that is nearest to `x`. */
export function nearest(sorted: readonly number[], x: number): number {
  let [low, high] = [0, sorted.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < x) low = middle + 1
    else high = middle
  }
  return low > 0 && x - sorted[low - 1]! < sorted[low]! - x ? low - 1 : low
}
