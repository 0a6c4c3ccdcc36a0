import { cleanup, fireEvent, render, screen } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import Confirm from './Confirm.svelte'

afterEach(cleanup)

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
