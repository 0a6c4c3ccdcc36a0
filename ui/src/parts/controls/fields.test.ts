import { cleanup, fireEvent, render, screen } from '@testing-library/svelte'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Entity } from '../../lib/api.gen'
import { LiveEntity } from '../../lib/live.svelte'
import { entity, state } from '../../lib/sample.test-data'
import LockControl from './LockControl.svelte'
import NumberBrief from './NumberBrief.svelte'
import TextControl from './TextControl.svelte'

const { send } = vi.hoisted(() => ({ send: vi.fn() }))
vi.mock('../../lib/command.svelte', () => ({ command: { send, isPending: () => false } }))

beforeEach(() => send.mockReset())
afterEach(cleanup)

const commands: Entity['commands'] = { set: { topic: 't', payload: '', qos: 0, retain: false } }
const status = () => screen.getByRole('status').textContent

describe('the field of a number', () => {
  function shown(): HTMLInputElement {
    const live = new LiveEntity(entity({ name: 'Delay', component: 'number', min: 0, max: 60, step: 5, commands }), state({ value: 10 }))
    render(NumberBrief, { entity: live, label: 'Delay' })
    return screen.getByRole('spinbutton')
  }
  it('sends what the device takes, and shows what it says', async () => {
    const input = shown()
    await fireEvent.input(input, { target: { value: '30' } })
    await fireEvent.change(input)
    expect(send).toHaveBeenCalledExactlyOnceWith('plug.power', 'set', 30, {})
    expect(input.value).toBe('10')
  })
  it('says in words what is wrong while it has it', async () => {
    const input = shown()
    await fireEvent.input(input, { target: { value: '33' } })
    await fireEvent.keyDown(input, { key: 'Enter' })
    expect(send).not.toHaveBeenCalled()
    expect([input.value, status(), input.getAttribute('aria-invalid')]).toEqual(['33', 'Delay takes steps of 5 from 0 to 60. Type 30 or 35.', 'true'])
  })
  it('goes back to what the device says when it is left, and says so', async () => {
    const input = shown()
    await fireEvent.input(input, { target: { value: '500' } })
    await fireEvent.change(input)
    await fireEvent.blur(input)
    expect([input.value, status(), input.getAttribute('aria-invalid')]).toEqual(['10', '500 was not sent. Delay takes steps of 5 from 0 to 60. Type 60 or less.', null])
    await fireEvent.focus(input)
    expect(status()).toBe('')
  })
})

describe('the field of a text', () => {
  function shown(): HTMLInputElement {
    const live = new LiveEntity(entity({ name: 'Code', component: 'text', commands, features: { of: 'text', pattern: '\\d{4}', password: false } }), state({ value: '1234' }))
    render(TextControl, { entity: live, label: 'Code' })
    return screen.getByRole('textbox')
  }
  const submit = (input: HTMLInputElement) => fireEvent.submit(input.closest('form')!)
  it('says what it takes, and what is wrong', async () => {
    const input = shown()
    expect(status()).toBe('Takes 4 digits.')
    await fireEvent.input(input, { target: { value: '12' } })
    await submit(input)
    expect([input.value, status()]).toEqual(['12', 'Code takes 4 digits. Type it anew.'])
    await fireEvent.focusOut(input)
    expect([input.value, status()]).toEqual(['1234', 'It was not sent. Code takes 4 digits. Type it anew.'])
    expect(send).not.toHaveBeenCalled()
  })
  it('sends what fits', async () => {
    const input = shown()
    await fireEvent.input(input, { target: { value: '4321' } })
    await submit(input)
    expect(send).toHaveBeenCalledExactlyOnceWith('plug.power', 'set', '4321', {})
  })
})

describe('the code of a lock', () => {
  const unlock = { topic: 't', payload: '', qos: 0, retain: false } as const
  it('is looked at before anything is asked', async () => {
    const live = new LiveEntity(entity({ component: 'lock', commands: { unlock }, features: { of: 'lock', code_format: '^\\d{4}$' } }), state({ value: 'locked' }))
    render(LockControl, { entity: live, label: 'Door' })
    const press = () => fireEvent.click(screen.getByRole('button', { name: 'Unlock Door, asks first' }))
    await press()
    expect(screen.queryByRole('alertdialog')).toBeNull()
    expect(screen.getByText('Type its code first. It has 4 digits.')).toBeTruthy()
    await fireEvent.input(screen.getByLabelText('Code'), { target: { value: '0815' } })
    await press()
    expect(screen.getByRole('alertdialog')).toBeTruthy()
    expect(send).not.toHaveBeenCalled()
  })
})
