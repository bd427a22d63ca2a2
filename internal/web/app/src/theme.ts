import { signal } from '@preact/signals'

// A wall screen is dark; whoever works at a desk by day may want it light.

export type Theme = 'dark' | 'light'

const kept = 'hotline.theme'

export const theme = signal<Theme>(localStorage.getItem(kept) === 'light' ? 'light' : 'dark')

export function wear(other?: Theme) {
  if (other) {
    theme.value = other
    localStorage.setItem(kept, other)
  }
  document.documentElement.dataset.theme = theme.value
}
