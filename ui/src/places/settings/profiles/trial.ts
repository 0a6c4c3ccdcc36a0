import type { ProfileTrial, ProfileView, TopicMessage, TryMessage } from '../../../lib/api.gen'
import { plural } from '../../../lib/format'
import { href } from '../../../lib/router.svelte'

/** Stands in an address for a profile that is not saved yet. */
export const NEW = '+new'

/** Longest payload that travels in an address, characters; a longer one is cut and has to be pasted. */
const ADDRESS_PAYLOAD_MAX = 4_000

export const profileHref = (key: string): string => href('settings', ['profiles', key])

/** The playground with a message that was seen, and with the profile that understands it. */
export const playground = ({ topic, payload }: Pick<TopicMessage, 'topic' | 'payload'>, profile: string = NEW): string =>
  href('settings', ['profiles', profile], { topic, payload: payload.slice(0, ADDRESS_PAYLOAD_MAX) })

/** The profile to try a message with: that of the device it belongs to, or the one that makes a device of it, or at least knows the topic, or
 * else one that is yet to be written. `device` is the id of the device's profile; `attempt` tries a message with a profile. */
export async function understands(
  profiles: readonly ProfileView[], device: string | null, attempt: (key: string) => Promise<Pick<ProfileTrial, 'devices' | 'messages'>>,
): Promise<string> {
  const used = profiles.filter(({ is_used }) => is_used)
  const own = device === null ? undefined : used.find(({ id }) => id === device)
  if (own) return own.key
  let knows: string | null = null
  for (const { key } of used) {
    const { devices, messages } = await attempt(key)
    if (devices.length > 0) return key
    if (messages.some(({ rules }) => rules.length > 0)) knows ??= key
  }
  return knows ?? NEW
}

/** The messages an address brings along. */
export function messagesOf(query: URLSearchParams): TryMessage[] {
  const topic = query.get('topic')
  return topic === null ? [] : [blank(topic, query.get('payload') ?? '')]
}

export const blank = (topic = '', payload = ''): TryMessage => ({ topic, payload, encoding: 'text', retain: false })

/** Where a profile comes from, in words. */
export const originWords = ({ origin }: Pick<ProfileView, 'origin'>): string =>
  ({ built_in: 'Built-in', own: 'Yours', overrides: 'Yours, in place of the built-in' })[origin]

/** What its samples cover, in words. */
export function coverWords(samples: ProfileView['samples']): string {
  if (samples.length === 0) return 'No tests of its own'
  const messages = samples.reduce((sum, sample) => sum + sample.messages, 0)
  return `${plural(samples.length, 'test')} with ${plural(messages, 'message')}`
}

/** Where a place of the text is, for selecting it: the rest of its line from the column on. */
export function rangeOf(text: string, line: number, column: number): [number, number] {
  const lines = text.split('\n')
  const at = Math.min(Math.max(line, 1), lines.length)
  const start = lines.slice(0, at - 1).reduce((sum, one) => sum + one.length + 1, 0)
  const length = lines[at - 1]?.length ?? 0
  return [start + Math.min(Math.max(column - 1, 0), length), start + length]
}

/** What a profile of one's own begins as: it can be tried at once. */
export const SKELETON = `# A firmware of your own: what it announces, and what comes of it.
schema = 1

[firmware]
id = 'my-board'
name = 'My board'

# Which topic says that a board is there. {dev} stands for the part that differs.
[[announce]]
kind = 'json'
topic = 'my-board/{dev}/about'
part = 'about'

[device]
id = '{{ dev }}'
name = '{{ about.name }}'

[[entity]]
component = 'sensor'
id = 'temperature'
name = 'Temperature'
unit = '°C'
device_class = 'temperature'

[[entity.state]]
topic = 'my-board/{{ dev }}/state'
value = '{{ value_json.t }}'

# What a real board says, and what has to come of it. It is played whenever this file is saved.
[[tests]]
name = 'a warm room'

[[tests.messages]]
topic = 'my-board/a1/about'
payload = '{"name":"Window sill"}'

[[tests.messages]]
topic = 'my-board/a1/state'
payload = '{"t":21.5}'

[tests.entities.temperature]
component = 'sensor'
unit = '°C'
state = '21.5'
`

export const SKELETON_MESSAGES: TryMessage[] = [
  blank('my-board/a1/about', '{"name":"Window sill"}'),
  blank('my-board/a1/state', '{"t":21.5}'),
]
