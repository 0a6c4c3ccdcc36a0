let open = $state(false)

export const palette = {
  get open(): boolean { return open },
  set open(next: boolean) { open = next },
}

export const openPalette = (): void => { open = true }
