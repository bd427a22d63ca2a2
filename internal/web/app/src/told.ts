import { signal } from '@preact/signals'
import { Refusal } from './api'
import { sentence } from './problems'

// What was done last, told for some seconds at the foot of the page.
export const told = signal<{ good: boolean; text: string } | null>(null)

let timer = 0

export function tell(good: boolean, text: string) {
  told.value = { good, text }
  clearTimeout(timer)
  timer = window.setTimeout(() => (told.value = null), good ? 4000 : 10_000)
}

export const textOf = (e: unknown) => (e instanceof Refusal ? sentence(e.problem) : String(e))
