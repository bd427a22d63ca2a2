import { me } from '../api'
import { clock, now, since } from '../clock'
import { reasonName, stateName, t } from '../language'
import { agents } from '../live'
import { StateButtons } from '../parts/agentdialog'
import { Told } from '../parts/told'
import { queueTitle, reasonTitles } from '../site'

// Desk is an agent's own page: the present state, large, and what can be done about it.
export function Desk() {
  const agent = agents.value.get(me.value?.agent ?? '')
  if (!agent) return <p class="empty">{t('正在读取…', 'Reading …')}</p>
  const left = agent.wrap_up_ends ? Math.max(0, (Date.parse(agent.wrap_up_ends) - now.value) / 1000) : 0
  return (
    <div class="desk">
      <section class={`now ${agent.state}`} aria-live="polite">
        <h1>{stateName(agent.state)}</h1>
        {agent.state !== 'logged_out' && <p class="time" aria-live="off">{agent.state === 'wrap_up' && agent.wrap_up_ends ? clock(left) : clock(since(agent.since))}</p>}
        <p>{agent.reason && reasonName(agent.reason, reasonTitles.value)}{agent.pending && ` · ${t('随后', 'then')} ${reasonName(agent.pending, reasonTitles.value)}`}</p>
      </section>
      <section class="panel">
        <h2>{agent.agent} {agent.name}</h2>
        <dl>
          <dt>{t('席位', 'Seat')}</dt><dd>{agent.seat ?? '—'}</dd>
          <dt>{t('本次签入接听', 'Answered since login')}</dt><dd>{agent.answered}</dd>
          <dt>{t('队列', 'Queues')}</dt><dd>{agent.queues.map(queueTitle).join(' · ')}</dd>
        </dl>
        <StateButtons agent={agent} />
      </section>
      <Told />
    </div>
  )
}
