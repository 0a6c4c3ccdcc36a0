/** Addresses are hashes, so the same page works from a file inside the window and from any path behind a proxy:
 * `#/devices/kitchen_plug?range=7d` is place `devices`, path `['kitchen_plug']`, query `range=7d`. */
export interface Route {
  place: string
  path: string[]
  query: URLSearchParams
}

const decode = (part: string): string => {
  try { return decodeURIComponent(part) } catch { return part }
}

export function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#?\/?/, '').split(/\?(.*)/s)
  const [place = '', ...rest] = path.split('/').map(decode)
  return { place: place || 'home', path: rest.filter((part) => part !== ''), query: new URLSearchParams(query) }
}

/** Makes an address; parts are escaped, absent query values are left out. */
export function href(place: string, path: string[] = [], query: Record<string, string | null | undefined> = {}): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) if (value != null && value !== '') search.set(key, value)
  const text = search.toString()
  return `#/${[place, ...path].map(encodeURIComponent).join('/')}${text && `?${text}`}`
}

let current = $state.raw<Route>(parse(location.hash))
window.addEventListener('hashchange', () => { current = parse(location.hash) })

export const router = {
  get route(): Route { return current },
  /** Goes to an address made by [`href`]; Back returns here. */
  go(address: string): void { location.hash = address },
  /** Changes the address without a step in the history: for filters and ranges. */
  replace(address: string): void {
    history.replaceState(null, '', address)
    current = parse(location.hash)
  },
  /** The present address with other query values; `null` removes one. */
  with(query: Record<string, string | null>): string {
    return href(current.place, current.path, { ...Object.fromEntries(current.query), ...query })
  },
}
