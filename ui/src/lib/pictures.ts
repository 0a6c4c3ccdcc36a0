import { hub } from './hub'
import { inWindow } from './transport'

/** Where a picture of a camera or an image is: an address of the hub, or, in the window, the picture itself. */
export async function pictureSource(entity: string, id: number): Promise<string> {
  if (!inWindow()) return pictureAddress(entity, id)
  const { picture, base64 } = await hub.call('get_picture', { entity, id })
  return `data:${picture.media_type};base64,${base64}`
}

export const pictureAddress = (entity: string, id: number): string => `/api/pictures/${encodeURIComponent(entity)}/${id}`

/** An address somebody else wrote, if a browser may go there. */
export function webAddress(text: unknown): string | null {
  if (typeof text !== 'string') return null
  try {
    const { protocol, href } = new URL(text)
    return protocol === 'http:' || protocol === 'https:' ? href : null
  } catch { return null }
}
