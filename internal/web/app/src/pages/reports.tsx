import { useEffect, useState } from 'preact/hooks'
import { file, get } from '../api'
import { timeIn } from '../clock'
import { language, t } from '../language'
import { count, percent, seconds } from '../number'
import { Chart, type Series } from '../parts/chart'
import { HeatMap } from '../parts/heatmap'
import { type Choice, type Kind, type Report, type Step, choices } from '../report'
import { queueTitle, serviceLevel } from '../site'
import { textOf } from '../told'
import type { Figures } from '../types'

const kinds: { kind: Kind; zh: string; en: string }[] = [
  { kind: 'daily', zh: '日报', en: 'Day' },
  { kind: 'monthly', zh: '月报', en: 'Month' },
  { kind: 'annual', zh: '年报', en: 'Year' },
]

// Reports shows what is published of a day, a month or a year.
export function Reports() {
  const [of, setOf] = useState<Choice | null>(null)
  const [kind, setKind] = useState<Kind>('daily')
  const [period, setPeriod] = useState('')
  const [report, setReport] = useState<Report | null>(null)
  const [said, setSaid] = useState('')

  useEffect(() => {
    get<Choice>('reports').then((c) => {
      setOf(c)
      setPeriod(choices('daily', c)[0] ?? '')
    }).catch((e) => setSaid(textOf(e)))
  }, [])

  useEffect(() => {
    if (!period) return
    let current = true
    setSaid('')
    get<Report>(`reports/${kind}/${period}`).then(
      (r) => { if (current) setReport(r) },
      (e) => { if (current) { setReport(null); setSaid(textOf(e)) } },
    )
    return () => { current = false }
  }, [kind, period])

  const choose = (k: Kind) => {
    setKind(k)
    setReport(null)
    setPeriod(of ? (choices(k, of)[0] ?? '') : '')
  }
  const empty = of && choices(kind, of).length === 0
  return (
    <div class="reports">
      <div class="bar">
        <h1 class="unseen">{t('报表', 'Reports')}</h1>
        <div role="tablist" class="tabs">
          {kinds.map((k) => <button key={k.kind} type="button" role="tab" aria-selected={kind === k.kind} onClick={() => choose(k.kind)}>{t(k.zh, k.en)}</button>)}
        </div>
        {of && !empty && <PeriodPicker kind={kind} of={of} period={period} choose={setPeriod} />}
        {report && <Downloads kind={kind} period={period} failed={setSaid} />}
      </div>
      {said && <p class="said bad" role="alert">{said}</p>}
      {empty && <p class="empty">{t('还没有话务数据', 'There is no traffic yet')}</p>}
      {report && <Body r={report} />}
    </div>
  )
}

function PeriodPicker({ kind, of, period, choose }: { kind: Kind; of: Choice; period: string; choose: (p: string) => void }) {
  if (kind === 'daily') {
    return <label>{t('日期', 'Day')} <input type="date" min={of.first_day ?? undefined} max={of.last_day ?? undefined} value={period} onChange={(e) => e.currentTarget.value && choose(e.currentTarget.value)} /></label>
  }
  return (
    <label>{kind === 'monthly' ? t('月份', 'Month') : t('年份', 'Year')}
      <select value={period} onChange={(e) => choose(e.currentTarget.value)}>{choices(kind, of).map((p) => <option key={p} value={p}>{p}</option>)}</select>
    </label>
  )
}

const formats = [
  { format: 'html', zh: '公布版', en: 'For publication' },
  { format: 'xlsx', zh: 'Excel', en: 'Excel' },
  { format: 'csv', zh: 'CSV', en: 'CSV' },
  { format: 'pdf', zh: 'PDF', en: 'PDF' },
  { format: 'json', zh: 'JSON', en: 'JSON' },
]

function Downloads({ kind, period, failed }: { kind: Kind; period: string; failed: (said: string) => void }) {
  const [busy, setBusy] = useState('')
  const take = async (format: string) => {
    setBusy(format)
    try {
      const data = await file(`reports/${kind}/${period}?format=${format}&lang=${language.value}`)
      const link = document.createElement('a')
      link.href = URL.createObjectURL(data)
      link.download = `hotline-${kind}-${period}.${format}`
      link.click()
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
    } catch (e) {
      failed(textOf(e))
    } finally {
      setBusy('')
    }
  }
  return (
    <div class="downloads" aria-label={t('下载', 'Downloads')}>
      <span>{t('下载', 'Download')}</span>
      {formats.map((f) => <button key={f.format} type="button" disabled={busy !== ''} onClick={() => void take(f.format)}>{busy === f.format ? '…' : t(f.zh, f.en)}</button>)}
    </div>
  )
}

function Body({ r }: { r: Report }) {
  return (
    <>
      <p class="note">
        {t('数据截至', 'As of')} {r.as_of.slice(0, 10)} {timeIn(r.time_zone, r.as_of)}
        {r.goes_on ? t('，统计中', ', still going on') : ''} · {t(`已封账 ${r.closed.days} 天`, `${r.closed.days} days are closed`)}
      </p>
      <Cards r={r} />
      <section class="panel" aria-label={t('走势', 'Course')}><Course r={r} /></section>
      <div class="halves">
        <section class="panel"><Service r={r} /></section>
        <section class="panel"><QueueTable r={r} /></section>
      </div>
      {r.week && <section class="panel"><h2>{t('一周各小时平均呼入（通）', 'Mean calls offered by hour of the week')}</h2><HeatMap week={r.week} /></section>}
      {r.agents.length > 0 && <section class="panel"><AgentTable r={r} /></section>}
    </>
  )
}

const cards: { figure: string; zh: string; en: string; rate?: boolean; seconds?: boolean; better?: 'more' | 'less' }[] = [
  { figure: 'offered', zh: '呼入', en: 'Offered' },
  { figure: 'answered', zh: '接听', en: 'Answered', better: 'more' },
  { figure: 'connect_rate', zh: '接通率', en: 'Connect rate', rate: true, better: 'more' },
  { figure: 'average_wait', zh: '平均等候', en: 'Mean wait', seconds: true, better: 'less' },
  { figure: 'average_talk', zh: '平均通话', en: 'Mean talk', seconds: true },
  { figure: 'abandoned', zh: '放弃', en: 'Abandoned', better: 'less' },
]

const againstName = (against: string) =>
  ({ day_before: t('前一日', 'day before'), week_before: t('上周同日', 'week before'), month_before: t('上月', 'month before'), year_before: t('上年同期', 'year before') })[against] ?? against

function Cards({ r }: { r: Report }) {
  const shown = [...cards, { figure: serviceLevel.value.figure, zh: `${serviceLevel.value.seconds}秒接通率`, en: `Answered in ${serviceLevel.value.seconds} s`, rate: true, better: 'more' as const }]
  return (
    <section class="cards" aria-label={t('关键指标', 'Key figures')}>
      {shown.map((c) => {
        const v = r.figures[c.figure] ?? null
        return (
          <div key={c.figure} class="figure" data-figure={c.figure}>
            <span class="label">{t(c.zh, c.en)}</span>
            <b>{c.rate ? percent(v) : c.seconds ? seconds(v) : count(v)}</b>
            {r.bases.filter((b) => b.found).map((b) => <Change key={b.against} against={againstName(b.against)} change={b.changes?.[c.figure] ?? null} points={c.rate} better={c.better} />)}
          </div>
        )
      })}
      {r.worst_24_hours && (
        <div class="figure">
          <span class="label">{t('最低24小时接通率', 'Worst 24 hours')}</span>
          <b class={r.worst_24_hours.enough ? '' : 'bad'}>{percent(r.worst_24_hours.connect_rate)}</b>
          <span class="change">{t('截至', 'to')} {r.worst_24_hours.to.slice(5, 10)} {timeIn(r.time_zone, r.worst_24_hours.to)}</span>
        </div>
      )}
    </section>
  )
}

// Change has an arrow as the city prints it; points are percentage points. Its colour says whether
// it is good news, where that can be said.
function Change({ against, change, points, better }: { against: string; change: number | null; points?: boolean; better?: 'more' | 'less' }) {
  if (change === null) return null
  const tone = change === 0 || !better ? '' : (change > 0) === (better === 'more') ? 'good' : 'warn'
  return <span class="change">{against} <i class={tone}>{change === 0 ? t('持平', 'same') : `${change > 0 ? '↑' : '↓'}${Math.abs(change).toFixed(2)}${points ? t('点', ' pts') : '%'}`}</i></span>
}

function Course({ r }: { r: Report }) {
  const steps: Step[] = r.hours ?? (r.months?.length ? r.months : (r.days ?? []))
  const label = (s: Step) => (r.hours ? timeIn(r.time_zone, s.from) : r.months?.length ? s.from.slice(0, 7) : s.from.slice(8, 10))
  const of = (figure: string) => steps.map((s) => s.figures[figure] ?? null)
  const title = r.hours ? t('各小时呼入、接听与接通率', 'Calls offered, answered and connect rate by hour') : r.months?.length ? t('各月呼入、接听与接通率', 'By month') : t('各日呼入、接听与接通率', 'By day')
  const series: Series[] = [
    { label: t('呼入', 'offered'), values: of('offered'), color: '--logged_out', bars: true },
    { label: t('接听', 'answered'), values: of('answered'), color: '--talking', bars: true },
    { label: t('接通率', 'connect rate'), values: of('connect_rate'), color: '--ready', percent: true },
  ]
  return (
    <>
      <h2>{title}</h2>
      <div class="tall"><Chart title={title} labels={r.hours ? hoursOfDay(steps.map(label)) : steps.map(label)} series={series} every={r.hours ? 2 : 1} /></div>
      <div class="unseen"><table>
        <caption>{title}</caption>
        <tbody>{steps.map((s) => <tr key={s.from}><th scope="row">{label(s)}</th><td>{count(s.figures.offered)}</td><td>{count(s.figures.answered)}</td><td>{percent(s.figures.connect_rate)}</td></tr>)}</tbody>
      </table></div>
    </>
  )
}

// hoursOfDay are all of them, also those that are still to come.
const hoursOfDay = (begun: string[]) => [...begun, ...Array.from({ length: Math.max(0, 24 - begun.length) }, (_, i) => `${String(begun.length + i).padStart(2, '0')}:00`)]

const serviceColumns: { column: string; zh: string; en: string; rate?: boolean }[] = [
  { column: 'answered', zh: '人工接听话务量（通）', en: 'answered (calls)' },
  { column: 'connect_rate', zh: '人工接通率', en: 'connect rate', rate: true },
  { column: 'average_wait', zh: '平均等待时长（秒）', en: 'mean wait (s)' },
  { column: 'average_talk', zh: '平均通话时长（秒）', en: 'mean talk (s)' },
  { column: 'talk_over_10_min_share', zh: '通话超10分钟占比', en: 'talks over 10 min', rate: true },
]

const serviceKind = (kind: string) => ({ inbound: t('接听', 'inbound'), outbound: t('呼出', 'outbound'), total: t('总计', 'total') })[kind] ?? kind

function Service({ r }: { r: Report }) {
  return (
    <>
      <h2>{t('话务服务（括号内为同比）', 'Telephone service (year on year in brackets)')}</h2>
      <table>
        <thead><tr><th>{t('话务类别', 'Kind')}</th>{serviceColumns.map((c) => <th key={c.column} class="num">{t(c.zh, c.en)}</th>)}</tr></thead>
        <tbody>{r.service.map((row) => (
          <tr key={row.kind}>
            <th scope="row">{serviceKind(row.kind)}</th>
            {serviceColumns.map((c) => {
              const cell = row.cells.find((x) => x.column === c.column)
              const v = cell?.value ?? null
              const change = cell?.year_on_year ?? null
              return <td key={c.column} class="num">{c.rate ? percent(v) : count(v)}{v !== null && change !== null && <i> ({change > 0 ? '↑' : change < 0 ? '↓' : ''}{Math.abs(change).toFixed(2)}%)</i>}</td>
            })}
          </tr>
        ))}</tbody>
      </table>
    </>
  )
}

function QueueTable({ r }: { r: Report }) {
  return (
    <>
      <h2>{t('队列', 'Queues')}</h2>
      <Rows head={t('队列', 'Queue')} rows={r.queues.map((q) => ({ name: q.title || queueTitle(q.id), figures: q.figures }))} columns={[
        { figure: 'offered', zh: '呼入', en: 'offered' }, { figure: 'answered', zh: '接听', en: 'answered' }, { figure: 'connect_rate', zh: '接通率', en: 'connect rate', rate: true },
        { figure: 'average_wait', zh: '平均等候', en: 'mean wait', time: true }, { figure: 'average_talk', zh: '平均通话', en: 'mean talk', time: true },
      ]} />
      {r.overflow && r.overflow.length > 0 && (
        <p class="note">{t('转出', 'Overflowed')}: {r.overflow.map((o) => `${o.title || o.target} ${count(o.calls)}`).join(' · ')}</p>
      )}
    </>
  )
}

function AgentTable({ r }: { r: Report }) {
  return (
    <>
      <h2>{t('坐席', 'Agents')}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('坐席明细', 'Figures of agents')}>
        <Rows head={t('工号', 'Agent')} rows={r.agents.map((a) => ({ name: a.id, figures: a.figures }))} columns={[
          { figure: 'answered', zh: '接听', en: 'answered' }, { figure: 'average_talk', zh: '平均通话', en: 'mean talk', time: true }, { figure: 'rona', zh: '振铃未接', en: 'not answered' },
          { figure: 'logged_in', zh: '签入时长', en: 'logged in', time: true }, { figure: 'ready', zh: '空闲', en: 'ready', time: true }, { figure: 'not_ready', zh: '置忙', en: 'not ready', time: true },
          { figure: 'wrap_up', zh: '整理', en: 'wrap-up', time: true }, { figure: 'occupancy', zh: '工时利用率', en: 'occupancy', rate: true },
        ]} />
      </div>
    </>
  )
}

interface Column {
  figure: string
  zh: string
  en: string
  rate?: boolean
  time?: boolean
}

function Rows({ head, rows, columns }: { head: string; rows: { name: string; figures: Figures }[]; columns: Column[] }) {
  return (
    <table>
      <thead><tr><th>{head}</th>{columns.map((c) => <th key={c.figure} class="num">{t(c.zh, c.en)}</th>)}</tr></thead>
      <tbody>{rows.map((row) => (
        <tr key={row.name}>
          <th scope="row">{row.name}</th>
          {columns.map((c) => <td key={c.figure} class="num">{c.rate ? percent(row.figures[c.figure]) : c.time ? duration(row.figures[c.figure]) : count(row.figures[c.figure])}</td>)}
        </tr>
      ))}</tbody>
    </table>
  )
}

// duration writes seconds as 45s, 12:30 or 7:05:00.
function duration(n: number | null | undefined): string {
  if (n == null) return '—'
  if (n < 60) return seconds(n)
  const two = (x: number) => String(x).padStart(2, '0')
  const minutes = Math.floor(n / 60)
  return minutes < 60 ? `${minutes}:${two(Math.round(n % 60))}` : `${count(Math.floor(minutes / 60))}:${two(minutes % 60)}:${two(Math.round(n % 60))}`
}
