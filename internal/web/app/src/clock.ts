import { signal } from '@preact/signals'

// Clocks on the pages run by the server's time, whatever the browser's says.

let ahead = 0 // of the server against the browser, in ms
let exact = false // it was told with what is live

export function setServerTime(at: string) {
  ahead = Date.parse(at) - Date.now()
  exact = true
}

// roughServerTime takes the header Date of an answer, which has whole seconds, for those who
// see nothing live.
export function roughServerTime(date: string | null) {
  if (!exact && date) ahead = Date.parse(date) + 500 - Date.now()
}

export const serverTime = () => Date.now() + ahead

// now is the server's time, each second.
export const now = signal(serverTime())

export function runClock() {
  const tick = () => {
    now.value = serverTime()
    setTimeout(tick, 1000 - (serverTime() % 1000) + 5)
  }
  tick()
}

// since is how many seconds have gone by, at least 0; 0 without a beginning.
export const since = (from: string | undefined) => (from ? Math.max(0, (now.value - Date.parse(from)) / 1000) : 0)

// clock writes 95 seconds as 1:35, and more than an hour as 1:02:35.
export function clock(seconds: number): string {
  const s = Math.floor(Math.max(0, seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = Math.floor(s / 60)
  return minutes < 60 ? `${minutes}:${two(s % 60)}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(s % 60)}`
}

// timeIn writes a moment by the clock on the site's wall.
export function timeIn(zone: string, at: number | string, withSeconds = false): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: zone, hour: '2-digit', minute: '2-digit', ...(withSeconds ? { second: '2-digit' } : {}), hourCycle: 'h23',
  }).format(typeof at === 'string' ? Date.parse(at) : at)
}

export function dayIn(zone: string, at: number): string {
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone }).format(at) // 2026-01-31
}

export function addDays(day: string, days: number): string {
  const d = new Date(`${day}T00:00:00Z`)
  d.setUTCDate(d.getUTCDate() + days)
  return d.toISOString().slice(0, 10)
}
