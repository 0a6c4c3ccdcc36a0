import uPlot from 'uplot'
import type { Columns } from '../lib/readings.svelte'
import { hourTime } from '../lib/format'
import { faint, nearest, scaleRange } from './scale'

/** One line of a chart. */
export interface Line {
  id: string
  /** 1 to 8, see `seriesFor`. */
  colour: number
  columns: Columns
}

/** What the crosshair reads, by line. */
export interface Reading {
  timeMs: number
  values: Map<string, { min: number; mean: number; max: number }>
}

/** Width of the axis with the numbers, px: the same in every chart, so that charts above each other line up. */
export const GUTTER = 52
const LINE_PX = 1.75
const DOT_PX = 4
/** How far past its ends a line is still read, as a part of what is shown: a finger is not a needle. */
const REACH = 0.01

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
const series = (colour: number): string => css(`--series-${colour}`)

/** uPlot's NULL_EXPAND: a gap of one line reaches to its own neighbours, not to the next point of another line. */
const GAP_TO_NEIGHBOURS = 2

/** All lines in one table; each line takes three columns: min, max, mean. */
export function table(lines: readonly Line[]): uPlot.AlignedData {
  if (lines.length === 0) return [[]]
  return uPlot.join(
    lines.map(({ columns: { x, min, max, mean } }) => [x, min, max, mean] as uPlot.AlignedData),
    lines.map(() => Array.from({ length: 4 }, () => GAP_TO_NEIGHBOURS)),
  )
}

/** A point with nothing on either side would be an invisible line: it gets a dot. */
function lonely(plot: uPlot, index: number): number[] {
  const [xs, ys] = [plot.data[0], plot.data[index]!]
  const out: number[] = []
  let before: number | null | undefined = null
  for (let at = 0; at < xs.length; at += 1) {
    const value = ys[at]
    if (value === undefined) continue
    if (value !== null && before === null) {
      let next = at + 1
      while (next < xs.length && ys[next] === undefined) next += 1
      if (ys[next] == null) out.push(at)
    }
    before = value
  }
  return out
}

export interface Handlers {
  /** The lines as they are now: their data changes, the chart stays. */
  lines(): readonly Line[]
  cursor(reading: Reading | null): void
  select(fromMs: number, toMs: number): void
}

export function options(lines: readonly Line[], size: { width: number; height: number }, small: boolean, sync: string | undefined, on: Handlers): uPlot.Options {
  const font = `12px ${css('--font')}`
  const axis: uPlot.Axis = { stroke: css('--ink-3'), font, ticks: { show: false }, grid: { stroke: css('--line'), width: 1 } }
  const bands: uPlot.Band[] = []
  const all: uPlot.Series[] = [{}]
  for (const { colour } of lines) {
    const at = all.length
    bands.push({ series: [at + 1, at], fill: faint(series(colour)) })
    const edge: uPlot.Series = { stroke: 'transparent', width: 0, points: { show: false } }
    all.push({ ...edge }, { ...edge }, {
      stroke: series(colour), width: LINE_PX, points: { show: true, size: DOT_PX, fill: series(colour), width: 0, filter: lonely },
    })
  }
  return {
    ...size,
    padding: [8, 8, small ? 0 : 4, 0],
    legend: { show: false },
    scales: { x: { time: true }, y: { range: (_plot, min, max) => scaleRange(min, max) } },
    axes: [
      { ...axis, grid: { show: false }, size: 24, gap: 4, space: 72, values: (plot, splits, _axis, _space, step) => splits.map((at) => (fitsAt(plot, at) ? tick(at * 1000, step) : '')) },
      { ...axis, size: GUTTER, gap: 8, space: small ? 24 : 36, values: (_plot, splits) => splits.map((at) => number(at, splits)) },
    ],
    series: all,
    bands,
    cursor: {
      y: false,
      drag: { x: !small, y: false, setScale: false },
      points: { size: 7, width: 2, fill: (_plot, index) => (index % 3 === 0 ? series(lines[index / 3 - 1]?.colour ?? 1) : 'transparent'), stroke: css('--surface') },
      ...(sync ? { sync: { key: sync } } : {}),
    },
    hooks: {
      setCursor: [(plot) => on.cursor(read(plot, on.lines()))],
      setSelect: [(plot) => {
        if (plot.select.width < 8) return
        const from = plot.posToVal(plot.select.left, 'x')
        const to = plot.posToVal(plot.select.left + plot.select.width, 'x')
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
        on.select(from * 1000, to * 1000)
      }],
    },
  }
}

/** A label whose half would hang over the border is left out. */
const HALF_LABEL_PX = 30
function fitsAt(plot: uPlot, seconds: number): boolean {
  const left = plot.valToPos(seconds, 'x')
  return left >= 0 && left < plot.width - GUTTER - HALF_LABEL_PX
}

const DAY_S = 86_400
function tick(ms: number, stepS: number): string {
  const at = new Date(ms)
  if (stepS >= DAY_S || (at.getHours() === 0 && at.getMinutes() === 0)) {
    return new Intl.DateTimeFormat(navigator.language, { day: 'numeric', month: 'short' }).format(ms)
  }
  return hourTime(ms)
}

function number(value: number, splits: number[]): string {
  const step = splits.length > 1 ? Math.abs(splits[1]! - splits[0]!) : 1
  let digits = 0
  while (digits < 6 && Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits += 1
  return new Intl.NumberFormat(navigator.language, {
    minimumFractionDigits: digits, maximumFractionDigits: digits, notation: Math.abs(value) >= 100_000 ? 'compact' : 'standard',
  }).format(value)
}

/** The nearest bucket of every line: lines that report at other times are read too. */
function read(plot: uPlot, lines: readonly Line[]): Reading | null {
  const { idx, left } = plot.cursor
  if (idx == null || left == null || left < 0) return null
  const seconds = plot.posToVal(left, 'x')
  const [from, to] = [plot.scales.x!.min ?? seconds, plot.scales.x!.max ?? seconds]
  const reach = (to - from) * REACH
  const values: Reading['values'] = new Map()
  for (const { id, columns } of lines) {
    // Before its first reading and after its last a line says nothing.
    const [first, last] = [columns.x[0], columns.x.at(-1)]
    if (first === undefined || last === undefined || seconds < first - reach || seconds > last + reach) continue
    const at = nearest(columns.x, seconds)
    const [min, mean, max] = [columns.min[at], columns.mean[at], columns.max[at]]
    if (min != null && mean != null && max != null) values.set(id, { min, mean, max })
  }
  return { timeMs: seconds * 1000, values }
}
