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
