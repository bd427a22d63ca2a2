import { signal } from '@preact/signals'
import { told } from '../told'

// dialogs is how many are open: what is told stands in them then, for the page below is out of reach.
export const dialogs = signal(0)

// Told is what became of what was done last.
export function Told({ inDialog }: { inDialog?: boolean }) {
  if (!told.value || (dialogs.value > 0) !== Boolean(inDialog)) return null
  return <p class={told.value.good ? 'told' : 'told bad'} role="status">{told.value.text}</p>
}
