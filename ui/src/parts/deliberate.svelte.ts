/** Within this time the second click of a double click comes, as desktops have it by default. */
export const DOUBLE_CLICK_MS = 500

/** The answer to a question that appears where somebody just pressed: a double click asks, and does not answer too. Keys answer at once. */
export class Deliberate {
  /** Just asked: clicks are not taken yet. */
  early = $state(true)

  /** Made with the component that asks; `asked` says whether it does right now. */
  constructor(asked: () => boolean) {
    $effect(() => {
      if (!asked()) return
      const timer = setTimeout(() => { this.early = false }, DOUBLE_CLICK_MS)
      return () => {
        clearTimeout(timer)
        this.early = true
      }
    })
  }

  /** Whether this click answers. One that came from a key counts 0, the second of a double click 2. */
  takes({ detail }: MouseEvent): boolean {
    return detail === 0 || (detail === 1 && !this.early)
  }
}

/** A key that is held down answers nothing: what it asked stands until it is pressed anew. */
export const isHeld = ({ key, repeat }: KeyboardEvent): boolean => repeat && (key === 'Enter' || key === ' ')
