import { cleanup, fireEvent, render, screen } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RunRecord } from '../../lib/api.gen'
import type { Names } from './run'
import RunItem from './RunItem.svelte'

afterEach(cleanup)

const names: Names = { entity: (id) => id, value: (_entity, value) => String(value), automation: (id) => id }
const run: RunRecord = {
  id: 'r1', automation: 'a', started_ms: 1, duration_us: 500, operations: 12, cause: null, log: [{ time_ms: 1, level: 'info', text: 'It is hot' }],
  trigger: { trigger: 'topic("a/+")', line: 3, topic: 'a/b', payload: 'ON', entity: null, old: null, value: null, message_id: 7 },
  actions: [{ kind: 'refused', what: 'turn_on("x")', why: 'There is no entity x.' }],
  error: { message: 'Variable not found: y.', line: 5, column: 9 },
}

describe('a run', () => {
  const shown = () => {
    const onjump = vi.fn()
    render(RunItem, { run, names, fresh: false, onjump })
    return onjump
  }
  it('tells what it said, what was refused and why it failed without being opened', () => {
    shown()
    for (const text of [/Message on a\/b: ON →/, 'It is hot', /There is no entity x/, /Variable not found: y/]) expect(screen.getAllByText(text).length).toBeGreaterThan(0)
  })
  it('leads to the line that failed', async () => {
    const onjump = shown()
    await fireEvent.click(screen.getByRole('button', { name: 'Go to line 5' }))
    expect(onjump).toHaveBeenCalledWith(5, 9)
  })
})
