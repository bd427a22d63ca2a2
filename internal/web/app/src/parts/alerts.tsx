import { clock, since } from '../clock'
import { t } from '../language'
import { count, percent } from '../number'
import { queueTitle } from '../site'
import type { Alert } from '../types'

// alertText is what an alert says: short, for people who know the house.
export function alertText(a: Alert): string {
  const queue = queueTitle(a.queue)
  switch (a.alert) {
    case 'nobody_ready':
      return t(`${queue}：有人等候，无人空闲`, `${queue}: callers wait, nobody is ready`)
    case 'long_wait':
      return t(`${queue}：等候过长`, `${queue}: long wait`)
    case 'connect_rate':
      return t(`24小时接通率 ${percent(a.value)}，低于95%`, `connect rate of 24 h ${percent(a.value)}, under 95%`)
    case 'agent_unreachable':
      return t(`坐席 ${a.agent} 话机不可达，已置忙`, `agent ${a.agent}'s phone is unreachable; set not ready`)
    case 'node_down':
      return t(`话务节点 ${a.node} 不通`, `node ${a.node} is down`)
    case 'not_ready':
      return t('系统有故障，请联系运维', 'the system is not ready; call operations')
    case 'emergency_on':
      return t('应急播报已开启', 'the emergency announcement is on')
    case 'agent_rona':
      return t(`坐席 ${a.agent} 振铃未接，已置忙`, `agent ${a.agent} did not answer and was set not ready`)
    case 'long_not_ready':
      return t(`坐席 ${a.agent} 置忙过长`, `agent ${a.agent} has been not ready for long`)
    case 'long_wrap_up':
      return t(`坐席 ${a.agent} 整理过长`, `agent ${a.agent} has been in wrap-up for long`)
    case 'spool':
      return t('数据库不通，话单暂存本机', 'Redis is away, records wait on disk')
  }
  return a.detail
}

const shown = 4

export function Alerts({ list, emergency }: { list: Alert[]; emergency: string[] }) {
  const sorted = [...list].sort((a, b) => Number(b.severity === 'critical') - Number(a.severity === 'critical') || a.since.localeCompare(b.since))
  const told = sorted.some((a) => a.alert === 'emergency_on')
  return (
    <section class="alerts" aria-label={t('告警', 'Alerts')} aria-live="polite">
      {emergency.length > 0 && !told && <p class="alert warning">{t('应急播报已开启', 'The emergency announcement is on')}: {emergency.join(' ')}</p>}
      {sorted.slice(0, shown).map((a) => (
        <p key={a.id} class={`alert ${a.severity}`} data-alert={a.alert}>
          <span>{alertText(a)}</span> <span class="age">{clock(since(a.since))}</span>
        </p>
      ))}
      {sorted.length > shown && <p class="alert more">{t(`另有 ${count(sorted.length - shown)} 条`, `${count(sorted.length - shown)} more`)}</p>}
      {sorted.length === 0 && emergency.length === 0 && <p class="alert none">{t('运行正常，无告警', 'All is well')}</p>}
    </section>
  )
}
