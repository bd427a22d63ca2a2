import { effect, signal } from '@preact/signals'
import { get, may, me } from './api'
import { addDays, dayIn, now } from './clock'
import { ended } from './live'
import { site } from './site'
import type { Board, Intervals } from './types'

// The figures of the day, which the wallboard asks for when a call has ended, and from time
// to time. The server computes them once a second for all who ask.

export const board = signal<Board | null>(null)
export const today = signal<Intervals | null>(null)
export const weekBefore = signal<Intervals | null>(null)

const settled = 1200 // the record is counted, and the server's answer of the second before is over
const boardEvery = 15_000
const curveEvery = 20_000

async function quietly<T>(path: string, into: { value: T | null }) {
  try {
    into.value = await get<T>(path)
  } catch {
    // the header says that the page is not live; what was known stays
  }
}

export function watchFigures(): () => void {
  if (!may('traffic.read')) return () => {}
  let soon = 0
  const readBoard = () => quietly('traffic/board', board)
  const readCurves = async () => {
    const day = dayIn(site.value.time_zone, now.peek())
    await quietly(`traffic/days/${day}/intervals`, today)
    const before = addDays(day, -7)
    if (weekBefore.peek()?.day !== before) await quietly(`traffic/days/${before}/intervals`, weekBefore)
  }
  const stop = effect(() => {
    if (ended.value === 0 || !me.peek()) return
    void readBoard()
    clearTimeout(soon)
    soon = window.setTimeout(() => void readBoard(), settled)
  })
  void readBoard()
  void readCurves()
  const timers = [setInterval(() => void readBoard(), boardEvery), setInterval(() => void readCurves(), curveEvery)]
  return () => {
    stop()
    clearTimeout(soon)
    timers.forEach(clearInterval)
  }
}
