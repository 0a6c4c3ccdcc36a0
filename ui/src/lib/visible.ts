/** Calls `seen` once when the element first comes near the screen: a home of a thousand cards asks only for what is looked at. */
export const whenVisible = (seen: () => void) => (node: Element): (() => void) | void => {
  if (!('IntersectionObserver' in window)) return seen()
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) return
    observer.disconnect()
    seen()
  }, { rootMargin: '200px' })
  observer.observe(node)
  return () => observer.disconnect()
}

/** Tells whether the element is on or near the screen, each time that changes; where nobody can tell, it always is. */
export const whileNear = (tell: (near: boolean, height: number) => void) => (node: HTMLElement): (() => void) | void => {
  if (!('IntersectionObserver' in window)) return tell(true, 0)
  const observer = new IntersectionObserver((entries) => {
    const last = entries.at(-1)
    if (last) tell(last.isIntersecting, node.offsetHeight)
  }, { rootMargin: '100% 0px' })
  observer.observe(node)
  return () => observer.disconnect()
}
