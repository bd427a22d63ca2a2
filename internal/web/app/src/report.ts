import type { Figures, Window24 } from './types'

// What GET /api/v1/reports answers; docs/reports.md says what stands in a report.

export type Kind = 'daily' | 'monthly' | 'annual'

export interface Choice {
  first_day: string | null
  last_day: string | null
  months: string[]
  years: number[]
}

export interface Period {
  kind: Kind
  first: string
  last: string
}

export interface Step {
  from: string
  to: string
  figures: Figures
}

export interface Report extends Period {
  office?: string
  time_zone: string
  as_of: string
  goes_on: boolean
  service: { kind: 'inbound' | 'outbound' | 'total'; cells: { column: string; value: number | null; year_on_year: number | null }[] }[]
  figures: Figures
  bases: { against: string; period: Period; found: boolean; figures: Figures | null; changes: Record<string, number | null> | null }[]
  busiest_interval: Step | null
  worst_24_hours: Window24 | null
  peaks: { calls: number; calls_at?: string; waiting: number; waiting_at?: string }
  hours?: Step[]
  days?: Step[]
  months?: Step[]
  week?: (number | null)[][]
  queues: { id: string; title?: string; figures: Figures }[]
  agents: { id: string; figures: Figures }[]
  overflow: { target: string; title?: string; calls: number }[] | null
  closed: { days: number; corrections: number }
  days_over: number
}

// choices are the periods of a kind that there are, the newest first.
export function choices(kind: Kind, of: Choice): string[] {
  if (kind === 'monthly') return of.months
  if (kind === 'annual') return of.years.map(String)
  return of.last_day ? [of.last_day] : []
}
