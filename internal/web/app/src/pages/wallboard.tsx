import { useEffect } from 'preact/hooks'
import { clock, since, timeIn } from '../clock'
import { board, outdated, today, watchFigures, weekBefore } from '../figures'
import { t } from '../language'
import { agents, alerts, emergency, queues } from '../live'
import { count, percent, seconds } from '../number'
import { Alerts } from '../parts/alerts'
import { Chart } from '../parts/chart'
import { Tiles } from '../parts/tiles'
import { serviceLevel, site } from '../site'
import type { Queue, Window24 } from '../types'

const leastRate = 95 // per cent in any 24 hours, GB/T 33358-2016
const enoughCalls = 20 // before a rate is judged, as the alert of the connect rate does
const answerWithin = 15 // seconds, likewise
const withCourse = 7 // queues beside which the course of the day has room

export function Wallboard() {
  useEffect(watchFigures, [])
  return (
    <div class="wall">
      <h1 class="unseen">{t('实时大屏', 'Wallboard')}</h1>
      <Alerts list={[...alerts.value.values()]} emergency={emergency.value} />
      <Key />
      <div class={queues.value.length <= withCourse ? 'left' : 'left full'} style={{ '--n': String(queues.value.length) }}>
        <section class="panel queues" aria-label={t('队列', 'Queues')}><Queues /></section>
        {queues.value.length <= withCourse && <section class="panel course" aria-label={t('今日走势', 'The day')}><Course /></section>}
      </div>
      <section class="panel people" aria-label={t('坐席', 'Agents')}>
        <Tiles agents={[...agents.value.values()]} />
      </section>
    </div>
  )
}

function Key() {
  const all = queues.value
  const waiting = all.reduce((n, q) => n + q.waiting, 0)
  const longest = Math.max(0, ...all.map((q) => (q.waiting ? since(q.waiting_since) : 0)))
  let ready = 0
  let onDuty = 0
  for (const a of agents.value.values()) {
    if (a.state === 'ready') ready++
    if (a.state !== 'logged_out') onDuty++
  }
  const talking = all.reduce((n, q) => n + q.talking, 0)
  const b = board.value
  const old = since(b?.at) > outdated ? t(`${timeIn(site.value.time_zone, b!.at)} 的数据`, `as of ${timeIn(site.value.time_zone, b!.at)}`) : ''
  const rate = b?.site.connect_rate ?? null
  const level = b?.site[serviceLevel.value.figure] ?? null
  const worst = b?.worst_24_hours ?? null
  return (
    <section class="keys" aria-label={t('关键指标', 'Key figures')}>
      <Figure name="waiting" label={t('排队等候', 'Waiting')} value={count(waiting)} tone={waiting > 0 && ready === 0 ? 'bad' : waiting > 0 ? 'warn' : 'calm'} />
      <Figure name="longest" label={t('最长等候', 'Longest wait')} value={clock(longest)} tone={longest > 2 * answerWithin ? 'bad' : longest > answerWithin ? 'warn' : 'calm'} />
      <Figure name="ready" label={t('空闲坐席', 'Ready')} value={count(ready)} tone={ready > 0 ? 'good' : onDuty > 0 && waiting > 0 ? 'bad' : 'calm'} below={t(`在岗 ${onDuty}`, `${onDuty} on duty`)} />
      <Figure name="talking" label={t('正在通话', 'Talking')} value={count(talking)} tone="calm" below={old || t(`今日接听 ${count(b?.site.answered)}`, `${count(b?.site.answered)} answered today`)} />
      <Figure name="rate" label={t('今日接通率', 'Connect rate')} value={percent(rate)} tone={old ? 'old' : toneOf(rate, b?.site.offered)} below={old || t(`呼入 ${count(b?.site.offered)}`, `${count(b?.site.offered)} offered`)} />
      <Figure name="worst" label={t('24小时最低接通率', 'Worst 24 h')} value={percent(worst?.connect_rate)} tone={old ? 'old' : toneOf(worst?.connect_rate, worst?.offered)} below={old || until(worst)} />
      <Figure name="level" label={t(`${serviceLevel.value.seconds}秒接通率`, `Within ${serviceLevel.value.seconds} s`)} value={percent(level)} tone={old ? 'old' : level === null || level >= 80 || (b?.site.offered ?? 0) < enoughCalls ? 'calm' : 'warn'} below={old || t(`平均等候 ${seconds(b?.site.average_wait)}`, `mean wait ${seconds(b?.site.average_wait)}`)} />
    </section>
  )
}

const toneOf = (rate: number | null | undefined, offered: number | null | undefined) =>
  rate == null || (offered ?? 0) < enoughCalls ? 'calm' : rate < leastRate ? 'bad' : 'good'

const until = (w: Window24 | null) =>
  w ? t(`截至 ${timeIn(site.value.time_zone, w.to)} · 标准 ${leastRate}%`, `to ${timeIn(site.value.time_zone, w.to)} · min ${leastRate}%`) : t(`标准 ${leastRate}%`, `min ${leastRate}%`)

function Figure({ name, label, value, tone, below }: { name: string; label: string; value: string; tone: string; below?: string }) {
  return (
    <div class={`key ${tone}`} data-key={name}>
      <span class="label">{label}</span>
      <b class="value">{value}</b>
      <span class="below">{below ?? ' '}</span>
    </div>
  )
}

function Queues() {
  return (
    <table class="board">
      <thead>
        <tr>
          <th scope="col">{t('队列', 'Queue')}</th>
          <th scope="col">{t('等候', 'Wait')}</th>
          <th scope="col">{t('最长', 'Longest')}</th>
          <th scope="col">{t('预计', 'EWT')}</th>
          <th scope="col">{t('空闲', 'Ready')}</th>
          <th scope="col">{t('通话', 'Talk')}</th>
          <th scope="col">{t('接通率', 'Rate')}</th>
          <th scope="col">{t(`${serviceLevel.value.seconds}秒`, `${serviceLevel.value.seconds} s`)}</th>
        </tr>
      </thead>
      <tbody>{queues.value.map((q) => <QueueRow key={q.queue} q={q} />)}</tbody>
    </table>
  )
}

function QueueRow({ q }: { q: Queue }) {
  const day = board.value?.queues[q.queue]
  const longest = q.waiting ? since(q.waiting_since) : 0
  const ready = q.agents.ready ?? 0
  const rate = day?.connect_rate ?? null
  const level = day?.[serviceLevel.value.figure] ?? null
  const old = since(board.value?.at) > outdated
  return (
    <tr data-queue={q.queue}>
      <th scope="row">{q.title || q.queue}{q.open === false && <span class="shut">{t('已下班', 'closed')}</span>}</th>
      <td class={q.waiting > 0 && ready === 0 ? 'bad' : q.waiting > 0 ? 'warn' : 'dim'} data-cell="waiting">{q.waiting}</td>
      <td class={longest > 2 * answerWithin ? 'bad' : longest > answerWithin ? 'warn' : q.waiting ? '' : 'dim'}>{q.waiting ? clock(longest) : '–'}</td>
      <td class={q.expected_wait == null ? 'dim' : ''}>{q.expected_wait == null ? '–' : clock(q.expected_wait)}</td>
      <td class={ready > 0 ? 'good' : 'dim'}>{ready}</td>
      <td class={q.talking ? '' : 'dim'} data-cell="talking">{q.talking}</td>
      <td class={rate === null || old ? 'dim' : toneOf(rate, day?.offered) === 'bad' ? 'bad' : ''}>{percent(rate)}</td>
      <td class={level === null || old ? 'dim' : ''}>{percent(level)}</td>
    </tr>
  )
}

const quarters = 96

// Course draws the calls of the day by quarter-hours over those of the same weekday before.
function Course() {
  const now = today.value?.intervals ?? []
  const before = weekBefore.value?.intervals ?? []
  const longer = Math.max(quarters, now.length, before.length)
  const labels = Array.from({ length: longer }, (_, i) => `${String(Math.floor(i / 4)).padStart(2, '0')}:${String((i % 4) * 15).padStart(2, '0')}`)
  // The quarter that goes on would look like a collapse.
  const over = today.value?.goes_on ? now.slice(0, -1) : now
  const counted = before.some((i) => i.offered)
  return (
    <>
      <h2>{t('今日来话（每15分钟）', 'Calls per 15 min')}</h2>
      <Chart
        title={t('今日每15分钟呼入与接听，对比上周同日', 'calls offered and answered by quarter-hour, and those of the same weekday before')}
        labels={labels} every={8}
        series={[
          ...(counted ? [{ label: t('上周同日呼入', 'offered a week ago'), values: before.map((i) => i.offered), color: '--muted', dash: true }] : []),
          { label: t('今日呼入', 'offered today'), values: over.map((i) => i.offered), color: '--talking', fill: true },
          { label: t('今日接听', 'answered today'), values: over.map((i) => i.answered), color: '--ready' },
        ]}
      />
    </>
  )
}
