import { computed, effect, signal } from '@preact/signals'
import { get, me } from './api'
import type { Site } from './types'

// What is configured, and seldom changes.
export const site = signal<Site>({
  site: '', time_zone: 'Asia/Shanghai', numbers: [], queues: [], reasons: [], seats: [], skills: [], priority_worth: 30, levels: [],
})

export const reasonTitles = computed(() => Object.fromEntries(site.value.reasons.map((r) => [r.reason, r.title])))

const queueTitles = computed(() => Object.fromEntries(site.value.queues.map((q) => [q.queue, q.title])))

export const queueTitle = (queue: string | undefined) => (queue ? (queueTitles.value[queue] ?? queue) : '')

// serviceLevel is the one that stands where only one has room.
export const serviceLevel = computed(() => site.value.levels[0] ?? { seconds: 15, figure: 'service_level_15_of_offered' })

const anew = 60_000

export function keepSite() {
  let timer = 0
  const read = async () => {
    try {
      site.value = await get<Site>('site')
    } catch {
      // what was known stays
    }
  }
  effect(() => {
    clearInterval(timer)
    if (!me.value || me.value.password_expired) return
    void read()
    timer = window.setInterval(() => void read(), anew)
  })
}
