import { cleanup, fireEvent, render, screen } from '@testing-library/svelte'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { live } from '../../../lib/live.svelte'
import RoomChoice from './RoomChoice.svelte'

vi.mock('../../../lib/hub', () => ({ hub: {} }))

beforeEach(() => { live.areas = [{ id: 'living', name: 'Living room' }, { id: 'bath', name: 'Bath' }] as never })
afterEach(cleanup)

const chosen = () => screen.getAllByRole<HTMLInputElement>('radio').find(({ checked }) => checked)?.value.trim()

describe('the room of a board', () => {
  it('is the one of the device it turns out to be', async () => {
    const { rerender } = render(RoomChoice, { area: null, newRoom: '' })
    expect(chosen()).toBe('none')
    await rerender({ area: 'living' })
    expect(chosen()).toBe('living')
  })
  it('is what somebody chose, and whoever asked is told', async () => {
    const onchoose = vi.fn()
    render(RoomChoice, { area: 'living', newRoom: '', onchoose })
    await fireEvent.click(screen.getByRole('radio', { name: 'None' }))
    expect([chosen(), onchoose.mock.calls.length]).toEqual(['none', 1])
    await fireEvent.click(screen.getByRole('radio', { name: 'New room' }))
    expect(chosen()).toBe('new')
  })
})
