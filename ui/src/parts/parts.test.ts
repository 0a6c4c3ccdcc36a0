import { render, screen } from '@testing-library/svelte'
import { tick } from 'svelte'
import { describe, expect, it, vi } from 'vitest'
import { LiveEntity } from '../lib/live.svelte'
import { entity, state } from '../lib/sample.test-data'
import Toggle from './Toggle.svelte'
import Value from './Value.svelte'

describe('a value', () => {
  const shown = (of: Parameters<typeof entity>[0], now: Parameters<typeof state>[0]) =>
    render(Value, { live: new LiveEntity(entity(of), state({ reported_ms: Date.now(), ...now })) }).container.textContent?.replace(/\s+/g, ' ').trim()
  it('has its unit', () => expect(shown({ unit: 'W', precision: 0 }, { value: 1184 })).toBe('1,184 W'))
  it('is a dash when unknown, and says so', () => {
    expect(shown({}, {})).toBe('–')
    expect(screen.getByLabelText('Unknown')).toBeTruthy()
  })
  it('is a picture and its age, or none yet', () => {
    const camera = { component: 'camera', features: { of: 'picture' } } as Partial<ReturnType<typeof entity>>
    expect(shown(camera, { reported_ms: Date.now() - 120_000 })).toMatch(/^Picture 2.min ago$/)
    expect(shown(camera, { reported_ms: 0 })).toBe('No picture yet')
  })
  it('glows once for a change that is seen, not again for an old one', async () => {
    const changed = new LiveEntity(entity({}), state({ value: 5, reported_ms: Date.now() }))
    changed.changes = 3
    const { container } = render(Value, { live: changed })
    expect(container.querySelector('.glow')).toBeNull()
    changed.changes = 4
    await tick()
    container.querySelector('.glow')!.dispatchEvent(new Event('animationend'))
    await tick()
    expect(container.querySelector('.glow')).toBeNull()
  })
  it('is not shown when the device is away', () => expect(shown({ unit: 'W' }, { value: 5, availability: 'unavailable' })).toBe('Unavailable'))
})

describe('a toggle', () => {
  it('shows what the device says and asks for the other', async () => {
    const onchange = vi.fn()
    render(Toggle, { on: false, label: 'Lamp', onchange })
    const toggle = screen.getByRole('switch', { name: 'Lamp' })
    toggle.click()
    expect(onchange).toHaveBeenCalledWith(true)
    expect(toggle.getAttribute('aria-checked')).toBe('false')
  })
  it('is off, not on, when nothing is known', () => {
    render(Toggle, { on: null, label: 'Pump', onchange: () => {} })
    expect(screen.getByRole('switch', { name: 'Pump' }).getAttribute('aria-checked')).toBe('false')
  })
})
