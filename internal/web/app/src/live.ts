import { effect, signal, untracked } from '@preact/signals'
import { askAgain, headers, may, me, problemOf, refusal, Refusal } from './api'
import { setServerTime } from './clock'
import { sentence } from './problems'
import type { Agent, Alert, Blocked, Call, Callback, Problem, Queue } from './types'

// The live state of the site, kept by GET /api/v1/events (docs/events.md). The stream is read
// by fetch and not by EventSource: so a token can be sent, and what a refusal says be shown.

type Link = { state: 'connecting' | 'live' | 'lost'; why: string }

export const link = signal<Link>({ state: 'connecting', why: '' })

export const queues = signal<Queue[]>([])
export const agents = signal<Map<string, Agent>>(new Map())
export const calls = signal<Map<string, Call>>(new Map())
export const callbacks = signal<Map<string, Callback>>(new Map())
export const alerts = signal<Map<string, Alert>>(new Map())
export const blocked = signal<Blocked[]>([])
export const emergency = signal<string[]>([])
// stirs counts what has happened to calls in queues: the day's figures may have changed.
export const stirs = signal(0)

interface Snapshot {
  at: string
  queues?: Queue[]
  agents?: Agent[]
  calls?: Call[]
  callbacks?: Callback[]
  alerts?: Alert[]
  blocked?: Blocked[]
  emergency?: string[]
}

interface Changes {
  at: string
  changed: { kind: string; id?: string; view: unknown }[]
  gone: { kind: string; id: string }[]
}

const lists = {
  agents: { of: agents, id: 'agent' },
  calls: { of: calls, id: 'call' },
  callbacks: { of: callbacks, id: 'callback' },
  alerts: { of: alerts, id: 'id' },
} as const

type List = keyof typeof lists
const isList = (kind: string): kind is List => kind in lists

function takeSnapshot(s: Snapshot) {
  setServerTime(s.at)
  fill(s)
}

function fill(s: Omit<Snapshot, 'at'>) {
  queues.value = s.queues ?? []
  for (const kind of Object.keys(lists) as List[]) {
    const { of, id } = lists[kind]
    const map = new Map<string, unknown>()
    for (const view of (s[kind] ?? []) as unknown as Record<string, string>[]) map.set(view[id], view)
    of.value = map as never
  }
  blocked.value = s.blocked ?? []
  emergency.value = s.emergency ?? []
  stirs.value++
}

function takeChanges(c: Changes) {
  setServerTime(c.at)
  const fresh: Partial<Record<List, Map<string, unknown>>> = {}
  const copy = (kind: List) => (fresh[kind] ??= new Map(lists[kind].of.value as Map<string, unknown>))
  let stirred = false
  for (const { kind, id } of c.gone) {
    if (isList(kind)) copy(kind).delete(id)
    stirred ||= kind === 'calls'
  }
  for (const { kind, id, view } of c.changed) {
    if (isList(kind)) copy(kind).set(id!, view)
    else if (kind === 'queues') {
      queues.value = queues.value.map((q) => (q.queue === id ? (view as Queue) : q))
      stirred = true
    } else if (kind === 'blocked') blocked.value = view as Blocked[]
    else if (kind === 'emergency') emergency.value = view as string[]
  }
  for (const kind of Object.keys(fresh) as List[]) lists[kind].of.value = fresh[kind] as never
  if (stirred) stirs.value++
}

const silence = 20_000 // a heartbeat comes every 15 s

let last = ''

async function follow(signal: AbortController) {
  // By the clock on the wall: a timer stands still while a machine sleeps.
  let heard = Date.now()
  const quiet = setInterval(() => Math.abs(Date.now() - heard) > silence && signal.abort(), 1000)
  const unplugged = () => signal.abort()
  addEventListener('offline', unplugged)
  try {
    const sent = { ...headers(), Accept: 'text/event-stream', ...(last ? { 'Last-Event-ID': last } : {}) }
    const answer = await fetch('/api/v1/events', { headers: sent, signal: signal.signal, cache: 'no-store' })
    if (!answer.ok || !answer.body) {
      const problem = await problemOf(answer)
      if (answer.status === 401) {
        refusal.value = new Refusal(problem)
        me.value = null
      }
      link.value = { state: 'lost', why: sentence(problem) }
      return
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      heard = Date.now()
      text += value
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        take(text.slice(0, end))
        text = text.slice(end + 2)
      }
    }
  } catch {
    // told below: the connection is gone
  } finally {
    clearInterval(quiet)
    removeEventListener('offline', unplugged)
    signal.abort() // a reader that was left ends its connection
  }
}

function take(block: string) {
  let event = ''
  let data = ''
  for (const line of block.split('\n')) {
    if (line.startsWith('id: ')) last = line.slice(4)
    else if (line.startsWith('event: ')) event = line.slice(7)
    else if (line.startsWith('data: ')) data += line.slice(6)
  }
  if (event === 'snapshot') takeSnapshot(JSON.parse(data) as Snapshot)
  else if (event === 'changes') takeChanges(JSON.parse(data) as Changes)
  else if (event === 'end') {
    const problem = JSON.parse(data) as Problem
    link.value = { state: 'lost', why: sentence(problem) }
    if (problem.code === 'rights_changed') void askAgain()
    return
  } else if (!block.includes('\nid: ')) return
  // Who comes back and has missed nothing is sent a heartbeat, which has an id, too.
  if (link.value.state !== 'live') link.value = { state: 'live', why: '' }
}

const followable = ['queues.read', 'agents.read', 'agents.self', 'calls.read', 'callbacks.read', 'blocked.read']

// follows reports whether there is anything live for who is logged in.
export const follows = () => followable.some(may)

// forget what was shown to who was logged in before.
function forget() {
  fill({})
  link.value = { state: 'connecting', why: '' }
}

// followLive keeps the live state as long as somebody is logged in who may see some of it.
export function followLive() {
  let running: AbortController | null = null
  effect(() => {
    running?.abort()
    running = null
    if (!me.value || me.value.password_expired || !follows()) {
      untracked(forget)
      return
    }
    const mine = new AbortController()
    running = mine
    last = ''
    void (async () => {
      while (!mine.signal.aborted) {
        const stream = new AbortController()
        mine.signal.addEventListener('abort', () => stream.abort(), { once: true })
        await follow(stream)
        if (mine.signal.aborted) return
        link.value = { state: 'lost', why: link.value.state === 'lost' ? link.value.why : '' }
        await new Promise((ready) => setTimeout(ready, 1000 + Math.random() * 2000))
      }
    })()
  })
}
