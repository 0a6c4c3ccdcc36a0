import { cleanup, fireEvent, render, screen } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { RetainedTopic } from '../../lib/api.gen'
import { byBoard, retainedWords } from './retained'
import RetainedList from './RetainedList.svelte'

afterEach(cleanup)

const retained = (topic: string, user: string): RetainedTopic => ({ topic, user, message_id: 1, time_ms: 1, bytes: 8, kind: 'other', device: null })
const TOPICS = [retained('lamp/a', 'lamp'), retained('hall/a', 'hall-box'), retained('hall/b', 'hall-box')]

describe('retained messages', () => {
  it('are told in words', () => expect(retainedWords(retained('a', 'b'))).toBe('Message Hearth does not read, 8\u202fB'))
  it('stand with their board, the most first', () =>
    expect(byBoard(TOPICS).map(({ user, topics }) => [user, ...topics.map(({ topic }) => topic)])).toEqual([['hall-box', 'hall/a', 'hall/b'], ['lamp', 'lamp/a']]))
  it('of a board are chosen with one box', async () => {
    const onchange = vi.fn()
    render(RetainedList, { topics: TOPICS, chosen: new Set(['lamp/a']), grouped: true, onchange, note: ({ user }) => `${user} is gone.` })
    await fireEvent.click(screen.getByRole('checkbox', { name: 'All of hall-box, 2 messages' }))
    expect([...onchange.mock.calls[0]![0]].sort()).toEqual(['hall/a', 'hall/b', 'lamp/a'])
    await fireEvent.click(screen.getByRole('checkbox', { name: 'All of lamp, 1 message' }))
    expect([...onchange.mock.calls[1]![0]]).toEqual([])
  })
})
