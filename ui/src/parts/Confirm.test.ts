import { cleanup, fireEvent, render, screen } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import Confirm from './Confirm.svelte'
import { DOUBLE_CLICK_MS } from './deliberate.svelte'
import Sure from './Sure.svelte'

afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

function shown() {
  const onconfirm = vi.fn()
  render(Confirm, { label: 'Revoke', question: 'It cannot log in again.', onconfirm })
  return onconfirm
}
const button = (name: string) => screen.getByRole('button', { name })

describe('a button that asks first', () => {
  it('does nothing before the answer', async () => {
    const onconfirm = shown()
    await fireEvent.click(button('Revoke'))
    expect(screen.getByRole('alertdialog', { name: 'It cannot log in again.' })).toBeTruthy()
    expect(onconfirm).not.toHaveBeenCalled()
  })
  it('does it once answered', async () => {
    const onconfirm = shown()
    await fireEvent.click(button('Revoke'))
    await fireEvent.click(button('Revoke'))
    expect(onconfirm).toHaveBeenCalledOnce()
    expect(screen.queryByRole('alertdialog')).toBeNull()
  })
  it('takes the focus along and gives up on Escape', async () => {
    const onconfirm = shown()
    await fireEvent.click(button('Revoke'))
    expect(document.activeElement).toBe(button('Revoke'))
    await fireEvent.keyDown(button('Cancel'), { key: 'Escape' })
    expect(screen.queryByRole('alertdialog')).toBeNull()
    expect(onconfirm).not.toHaveBeenCalled()
  })
})

describe('the answer to a question under the pointer', () => {
  const cases = [
    ['that asks in a line', () => shown(), 'Revoke', 'Revoke'],
    ['that is pressed twice', () => {
      const onconfirm = vi.fn()
      render(Sure, { label: 'Unlock', name: 'Unlock Door', onconfirm })
      return onconfirm
    }, 'Unlock Door', 'Unlock Door now'],
  ] as const
  it.each(cases)('%s: a double click does not give it, a later click does', async (_, open, ask, answer) => {
    vi.useFakeTimers()
    const onconfirm = open()
    await fireEvent.click(button(ask), { detail: 1 })
    await fireEvent.click(button(answer), { detail: 2 })
    await fireEvent.click(button(answer), { detail: 1 })
    expect(onconfirm).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(DOUBLE_CLICK_MS)
    await fireEvent.click(button(answer), { detail: 2 })
    expect(onconfirm).not.toHaveBeenCalled()
    await fireEvent.click(button(answer), { detail: 1 })
    expect(onconfirm).toHaveBeenCalledOnce()
  })
  it.each(cases)('%s: a key gives it at once, one that is held does not', async (_, open, ask, answer) => {
    const onconfirm = open()
    await fireEvent.click(button(ask), { detail: 0 })
    expect(await fireEvent.keyDown(button(answer), { key: 'Enter', repeat: true })).toBe(false)
    expect(await fireEvent.keyDown(button(answer), { key: 'Enter' })).toBe(true)
    await fireEvent.click(button(answer), { detail: 0 })
    expect(onconfirm).toHaveBeenCalledOnce()
  })
})
