import { effect, signal } from '@preact/signals'
import { get, may } from './api'
import { addDays, dayIn, now } from './clock'
import { stirs } from './live'
import { site } from './site'
import type { Board, Intervals } from './types'

// The figures of the day, which the wallboard asks for when something has happened, and from
// time to time. The server computes them once a second for all who ask.

export const board = signal<Board | null>(null)
export const today = signal<Intervals | null>(null)
export const weekBefore = signal<Intervals | null>(null)

// outdated is the age in seconds at which figures of the day are said to be old.
export const outdated = 60

const pace = 1000 // the server computes no more often
const settled = 1200 // after which a call that has just ended is counted, and the server's former answer is over
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
  let asked = 0
  const stop = effect(() => {
    if (stirs.value === 0) return
    if (Date.now() >= asked + pace) {
      asked = Date.now()
      void readBoard()
    }
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
    board.value = today.value = weekBefore.value = null // who comes back is not shown what was
  }
}
