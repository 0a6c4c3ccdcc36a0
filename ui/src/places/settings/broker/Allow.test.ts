import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/svelte'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Permissions, Refusal } from '../../../lib/api.gen'
import { ApiError } from '../../../lib/transport'

const call = vi.hoisted(() => vi.fn())
vi.mock('../../../lib/hub', () => ({ hub: { call } }))
const { default: Allow } = await import('./Allow.svelte')

let permissions: Permissions
beforeEach(() => {
  permissions = { write: ['home/plug/#'], read: [] }
  call.mockReset()
  call.mockImplementation(async (method: string, params: { permissions: Permissions }) => {
    if (method === 'list_credentials') return { credentials: [{ name: 'plug', permissions }] }
    permissions = params.permissions
    return {}
  })
})
afterEach(cleanup)

const button = (name: string) => screen.findByRole('button', { name })
const shown = (onallowed = vi.fn()) => {
  render(Allow, { proposal: { name: 'plug', write: true, filter: 'tele/plug/#' }, onallowed })
  return onallowed
}

describe('a proposed rule', () => {
  it('is shown with what is there already, and added once it is confirmed', async () => {
    const onallowed = shown()
    await fireEvent.click(await button('Allow tele/plug/# for plug'))
    expect((await screen.findByRole('alertdialog')).textContent).toContain('home/plug/#')
    expect(permissions.write).toEqual(['home/plug/#'])
    await fireEvent.click(await button('Add this rule'))
    await waitFor(() => expect(onallowed).toHaveBeenCalledOnce())
    expect(permissions).toEqual({ write: ['home/plug/#', 'tele/plug/#'], read: [] })
    expect(screen.getByRole('status').textContent).toContain('It holds at once')
  })
  it('of a subscription holds only when the client comes again, and kicks it', async () => {
    const refusal: Refusal = { id: 1, kind: 'subscribe', first_ms: 9, last_ms: 9, count: 1, client_id: 'DVES_1', user: 'plug', address: null, topic: 'cmnd/plug/#', why: '', advice: '', proposal: null, settled: false }
    let since_ms = 1
    const present = call.getMockImplementation()!
    call.mockImplementation(async (method: string, params: { permissions: Permissions }) => {
      if (method === 'kick_client') since_ms = 10
      return method === 'get_client' ? { client: { connected: true, since_ms }, subscriptions: [], will: null } : present(method, params)
    })
    render(Allow, { proposal: { name: 'plug', write: false, filter: 'cmnd/plug/#' }, refusal })
    await fireEvent.click(await button('Allow cmnd/plug/# for plug'))
    await fireEvent.click(await button('Add this rule'))
    await screen.findByText(/It must connect again/)
    expect(screen.queryByText(/It holds at once/)).toBeNull()
    await fireEvent.click(await button('Kick DVES_1'))
    await screen.findByText(/It has connected again/)
    expect(call).toHaveBeenCalledWith('kick_client', { client_id: 'DVES_1' })
  })
  it('does not take back what somebody else added meanwhile', async () => {
    shown()
    await fireEvent.click(await button('Allow tele/plug/# for plug'))
    await screen.findByRole('alertdialog')
    permissions = { write: ['home/plug/#', 'other/#'], read: [] }
    await fireEvent.click(await button('Add this rule'))
    await waitFor(() => expect(permissions.write).toEqual(['home/plug/#', 'other/#', 'tele/plug/#']))
  })
  it('says so when the credential is gone, and when the hub refuses', async () => {
    shown()
    call.mockResolvedValueOnce({ credentials: [] })
    await fireEvent.click(await button('Allow tele/plug/# for plug'))
    expect((await screen.findByRole('alert')).textContent).toContain('There is no credential plug any more')
    call.mockRejectedValueOnce(new ApiError('internal', 'The disk is full.'))
    await fireEvent.click(await button('Allow tele/plug/# for plug'))
    expect((await screen.findByRole('alert')).textContent).toContain('The disk is full.')
  })
})
