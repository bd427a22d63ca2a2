// What the API answers, as far as the pages use it; docs/api.md and /api/v1/docs say more.

// WaysIn are how people may log in; oidc is null when there is no issuer.
export interface WaysIn {
  password: boolean
  oidc: { title: string } | null
}

export interface Me {
  via: string
  name: string
  title?: string
  role?: string
  agent?: string
  permissions: string[]
  password_expired: boolean
  csrf?: string
}

export interface Site {
  site: string
  time_zone: string
  numbers: string[]
  queues: { queue: string; title: string }[]
  reasons: { reason: string; title: string }[]
  seats: string[]
  priority_worth: number // seconds of waiting that a point of priority counts as
  skills: string[]
  levels: { seconds: number; figure: string }[] // the first is the one that is shown
}

export interface Queue {
  queue: string
  title: string
  waiting: number
  longest_wait: number
  waiting_since?: string
  talking: number
  agents: Record<string, number>
  expected_wait?: number | null
  open?: boolean
}

export interface Agent {
  agent: string
  name: string
  queues: string[]
  levels?: Record<string, number>
  skills?: Record<string, number>
  assigned?: boolean
  seat?: string
  state: string
  since?: string
  reason?: string
  pending?: string
  call?: string
  wrap_up_ends?: string
  answered: number
}

export interface Call {
  call: string
  entry: string
  caller: string
  queue?: string
  phase: string
  arrived: string
  queued?: string
  answered?: string
  on_hold?: string
  agent?: string
  seat?: string
  offers: number
  priority?: number
  partner?: string
}

export interface Callback {
  callback: string
  number: string
  queue: string
  state: string
  missed: boolean
  requested: string
  attempts: number
  next?: string
  expires?: string
}

export interface Blocked {
  number: string
  reason: string
  since: string
  until?: string
}

export interface Alert {
  id: string
  alert: string
  severity: 'critical' | 'warning'
  since: string
  queue?: string
  agent?: string
  node?: string
  value?: number
  detail: string
}

// Figures have every metric by its name; null where there is no denominator.
export type Figures = Record<string, number | null> 

export interface Window24 {
  from: string
  to: string
  offered: number
  answered: number
  connect_rate: number | null
  enough: boolean
}

export interface Board {
  at: string
  day: string
  site: Figures
  queues: Record<string, Figures>
  last_24_hours: Window24
  worst_24_hours: Window24 | null
}

export interface Interval {
  from: string
  to: string
  offered: number
  answered: number
  abandoned: number
  connect_rate: number | null
  average_wait: number | null
  service_level: number | null
}

export interface Intervals {
  day: string
  goes_on: boolean
  intervals: Interval[]
}

export interface Problem {
  status: number
  code: string
  detail: string
  reasons?: string[]
}
