import { clock, since } from '../clock'
import { t } from '../language'
import { count, percent } from '../number'
import { queueTitle } from '../site'
import type { Alert } from '../types'

// What is wrong with agents, of whom there may be many at once.
function ofAgents(alert: string): string | null {
  switch (alert) {
    case 'agent_unreachable':
      return t('话机不可达，已置忙', 'phone unreachable, set not ready')
    case 'agent_rona':
      return t('振铃未接，已置忙', 'did not answer, set not ready')
    case 'long_not_ready':
      return t('置忙过长', 'not ready for long')
    case 'long_wrap_up':
      return t('整理过长', 'in wrap-up for long')
  }
  return null
}

const named = 3 // agents of one line

// Line is what stands in one place on the wall: an alert, or all of one kind about agents.
interface Line {
  first: Alert // the oldest
  agents: string[]
}

function lines(sorted: Alert[]): Line[] {
  const all: Line[] = []
  for (const a of sorted) {
    const like = a.agent && ofAgents(a.alert) && all.find((l) => l.first.alert === a.alert)
    if (like) like.agents.push(a.agent!)
    else all.push({ first: a, agents: a.agent ? [a.agent] : [] })
  }
  // What concerns a queue or the site goes before what concerns agents.
  const rank = (l: Line) => (l.first.severity === 'critical' ? 0 : ofAgents(l.first.alert) ? 2 : 1)
  return all.sort((a, b) => rank(a) - rank(b))
}

function told({ first, agents }: Line): string {
  const what = ofAgents(first.alert)
  if (!what) return alertText(first)
  const who = agents.slice(0, named).join(t('、', ', '))
  if (agents.length > named) return t(`坐席 ${who} 等 ${agents.length} 人${what}`, `agents ${who} and ${agents.length - named} more: ${what}`)
  return t(`坐席 ${who} ${what}`, `${agents.length > 1 ? 'agents' : 'agent'} ${who}: ${what}`)
}

// alertText is what an alert says: short, for people who know the house.
export function alertText(a: Alert): string {
  const queue = queueTitle(a.queue)
  switch (a.alert) {
    case 'nobody_ready':
      return t(`${queue}：有人等候，坐席全部签出或置忙`, `${queue}: callers wait, no agent is at work`)
    case 'long_wait':
      return t(`${queue}：等候过长`, `${queue}: long wait`)
    case 'connect_rate':
      return t(`24小时接通率 ${percent(a.value)}，标准95%`, `connect rate of 24 h ${percent(a.value)}, min 95%`) // it stays until 95.5
    case 'node_down':
      return t(`话务节点 ${a.node} 不通`, `node ${a.node} is down`)
    case 'not_ready':
      return t('系统有故障，请联系运维', 'the system is not ready; call operations')
    case 'emergency_on':
      return t('应急播报已开启', 'the emergency announcement is on')
    case 'spool':
      return t('数据库不通，话单暂存本机', 'Redis is away, records wait on disk')
  }
  return a.detail
}

const shown = 4

export function Alerts({ list, emergency }: { list: Alert[]; emergency: string[] }) {
  const sorted = [...list].sort((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical') || a.since.localeCompare(b.since))
  const switched = sorted.some((a) => a.alert === 'emergency_on')
  const all = lines(sorted)
  return (
    <section class="alerts" aria-label={t('告警', 'Alerts')} aria-live="polite">
      {emergency.length > 0 && !switched && <p class="alert warning">{t('应急播报已开启', 'The emergency announcement is on')}: {emergency.join(' ')}</p>}
      {all.slice(0, shown).map((l) => (
        <p key={l.first.alert + (l.first.queue ?? l.first.node ?? '')} class={`alert ${l.first.severity}`} data-alert={l.first.alert}>
          <span>{told(l)}</span> <span class="age" aria-live="off">{clock(since(l.first.since))}</span>
        </p>
      ))}
      {all.length > shown && <p class="alert more">{t(`另有 ${count(all.length - shown)} 条`, `${count(all.length - shown)} more`)}</p>}
      {sorted.length === 0 && emergency.length === 0 && <p class="alert none">{t('运行正常，无告警', 'All is well')}</p>}
    </section>
  )
}
