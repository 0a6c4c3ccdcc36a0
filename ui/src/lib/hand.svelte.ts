/** While a hand drags, a device is told no more often than this. */
export const SEND_EVERY_MS = 200
/** How long a control stays where the hand left it when the device says something else, or nothing. */
export const SETTLE_MS = 2_000

/** What a hand wishes while it moves a control. The first value is sent at once, then the newest in even steps, and the
 * last for sure. It is only a wish: what is shown as so stays the device's, and takes over when the hand is done. */
export class Hand<T> {
  #wish = $state.raw<{ value: T } | null>(null)
  #send: (value: T) => void
  /** Not sent yet; `undefined` when everything was. */
  #waiting: { value: T } | undefined
  #pace: ReturnType<typeof setTimeout> | undefined
  #settle: ReturnType<typeof setTimeout> | undefined
  #held = false

  constructor(send: (value: T) => void) {
    this.#send = send
  }

  /** What it wishes; `null` when it wishes nothing. */
  get value(): T | null { return this.#wish === null ? null : this.#wish.value }

  /** It takes hold: whatever the device says, the control stays under the finger. */
  hold(): void {
    this.#held = true
    clearTimeout(this.#settle)
  }

  /** It lets go. */
  release(): void {
    if (!this.#held) return
    this.#held = false
    if (this.#wish) this.#settleLater()
  }

  say(value: T): void {
    if (this.#wish !== null && this.#wish.value === value) return
    this.#wish = { value }
    this.#waiting = { value }
    if (this.#pace === undefined) this.#sendNow()
    if (!this.#held) this.#settleLater()
  }

  /** The device says `now`: if that is the wish, there is none any more. */
  heard(now: T | null): void {
    if (!this.#held && this.#waiting === undefined && this.#wish !== null && this.#wish.value === now) this.#forget()
  }

  /** The control goes away; what waits is sent. */
  end(): void {
    clearTimeout(this.#pace)
    this.#pace = undefined
    this.#sendNow()
    clearTimeout(this.#pace)
    this.#held = false
    this.#forget()
  }

  #sendNow(): void {
    if (this.#waiting === undefined) return
    const { value } = this.#waiting
    this.#waiting = undefined
    this.#pace = setTimeout(() => {
      this.#pace = undefined
      this.#sendNow()
    }, SEND_EVERY_MS)
    this.#send(value)
  }

  #settleLater(): void {
    clearTimeout(this.#settle)
    this.#settle = setTimeout(() => this.#forget(), SETTLE_MS)
  }

  #forget(): void {
    clearTimeout(this.#settle)
    this.#wish = null
  }
}
