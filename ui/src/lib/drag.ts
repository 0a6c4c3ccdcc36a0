/** Where a pointer is over an element: 0 to 1 from its left and top edge, and beyond while it drags outside. */
export interface Spot {
  x: number
  y: number
}

interface Drag {
  start?: () => void
  move: (spot: Spot) => void
  end?: () => void
}

/** Follows a pointer from where it goes down until it goes up, wherever it wanders. */
export const dragging = ({ start, move, end }: Drag) => (node: HTMLElement | SVGElement): (() => void) => {
  let held: number | null = null
  const tell = (event: Event): void => {
    if (!(event instanceof PointerEvent)) return
    const box = node.getBoundingClientRect()
    if (box.width > 0 && box.height > 0) move({ x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height })
  }
  const down = (event: Event): void => {
    if (!(event instanceof PointerEvent) || event.button !== 0 || held !== null) return
    held = event.pointerId
    node.setPointerCapture(event.pointerId)
    start?.()
    tell(event)
  }
  const go = (event: Event): void => {
    if (event instanceof PointerEvent && event.pointerId === held) tell(event)
  }
  const up = (event: Event): void => {
    if (!(event instanceof PointerEvent) || event.pointerId !== held) return
    held = null
    end?.()
  }
  const all: [string, (event: Event) => void][] = [['pointerdown', down], ['pointermove', go], ['pointerup', up], ['pointercancel', up]]
  for (const [name, listener] of all) node.addEventListener(name, listener)
  return () => {
    for (const [name, listener] of all) node.removeEventListener(name, listener)
  }
}

/** To a step of a scale, within its ends. */
export function stepped(value: number, { min, max, step }: { min: number; max: number; step: number }): number {
  const steps = Math.round((value - min) / step)
  // Binary fractions are never exact: 0.1 three times is told as 0.3.
  return Number(Math.min(max, Math.max(min, min + steps * step)).toFixed(6))
}

/** What an arrow key, Page or Home adds to a value; `null` for every other key. A page is ten steps. */
export function keyed(event: KeyboardEvent, now: number, scale: { min: number; max: number; step: number }): number | null {
  const by: Record<string, number> = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }
  if (event.key === 'Home') return scale.min
  if (event.key === 'End') return scale.max
  const steps = by[event.key]
  return steps === undefined ? null : stepped(now + steps * scale.step, scale)
}
