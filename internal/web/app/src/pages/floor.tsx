import { useMemo, useState } from 'preact/hooks'
import { may } from '../api'
import { clock, since, timeIn } from '../clock'
import { phaseName, reasonName, stateName, stateOrder, t } from '../language'
import { agents, alerts, blocked, callbacks, calls, emergency, queues } from '../live'
import { AgentDialog } from '../parts/agentdialog'
import { alertText } from '../parts/alerts'
import { BlockForm, CallDialog, EmergencyDialog, act } from '../parts/actions'
import { Told } from '../parts/told'
import { queueTitle, reasonTitles, site } from '../site'
import type { Agent, Call } from '../types'

const views = [
  { key: 'agents', zh: '坐席', en: 'Agents', permission: 'agents.read' },
  { key: 'calls', zh: '来电', en: 'Calls', permission: 'calls.read' },
  { key: 'callbacks', zh: '回拨', en: 'Callbacks', permission: 'callbacks.read' },
  { key: 'blocked', zh: '黑名单', en: 'Blocked', permission: 'blocked.read' },
]

// Floor is where a supervisor works: who does what, who waits, and what can be done about it.
export function Floor() {
  const [view, setView] = useState('agents')
  const [switching, setSwitching] = useState(false)
  const on = emergency.value.length > 0
  const counts: Record<string, number> = { agents: agents.value.size, calls: calls.value.size, callbacks: callbacks.value.size, blocked: blocked.value.length }
  return (
    <div class="floor">
      <h1 class="unseen">{t('坐席与来电', 'Floor')}</h1>
      <div class="bar">
        <div role="tablist" class="tabs">
          {views.filter((v) => may(v.permission)).map((v) => (
            <button key={v.key} type="button" role="tab" aria-selected={view === v.key} onClick={() => setView(v.key)}>
              {t(v.zh, v.en)} <span class="n">{counts[v.key]}</span>
            </button>
          ))}
        </div>
        <div class="waiting" aria-live="polite">
          {[...alerts.value.values()].filter((a) => a.severity === 'critical').slice(0, 3).map((a) => (
            <span key={a.id} class="chip bad" title={alertText(a)}><span class="cut">{alertText(a)}</span> <span aria-live="off">{clock(since(a.since))}</span></span>
          ))}
          {queues.value.filter((q) => q.waiting > 0).map((q) => (
            <span key={q.queue} class="chip warn" title={q.title}><span class="cut">{q.title || q.queue}</span> {t('等候', 'waiting')} {q.waiting} · <span aria-live="off">{clock(since(q.waiting_since))}</span></span>
          ))}
        </div>
        <button type="button" class={on ? 'danger' : ''} disabled={!may('emergency.set')} onClick={() => setSwitching(true)}>
          {on ? t('应急播报已开启', 'Emergency announcement is on') : t('应急播报', 'Emergency announcement')}
        </button>
      </div>
      {view === 'agents' && <Agents />}
      {view === 'calls' && <Calls />}
      {view === 'callbacks' && <Callbacks />}
      {view === 'blocked' && <BlockedCallers />}
      {switching && <EmergencyDialog close={() => setSwitching(false)} />}
      <Told />
    </div>
  )
}

function Agents() {
  const [state, setState] = useState('')
  const [queue, setQueue] = useState('')
  const [search, setSearch] = useState('')
  const [chosen, setChosen] = useState('')
  const all = useMemo(() => [...agents.value.values()].sort(byState), [agents.value])
  const wanted = all.filter((a) =>
    (!state || a.state === state) && (!queue || a.queues.includes(queue)) && (!search || `${a.agent} ${a.name} ${a.seat ?? ''}`.includes(search)))
  const counts: Record<string, number> = {}
  for (const a of all) counts[a.state] = (counts[a.state] ?? 0) + 1
  const agent = agents.value.get(chosen)
  return (
    <>
      <div class="filters">
        <button type="button" aria-pressed={state === ''} onClick={() => setState('')}>{t('全部', 'All')} {all.length}</button>
        {stateOrder.map((s) => (
          <button key={s} type="button" class={`pick ${s}`} aria-pressed={state === s} onClick={() => setState(state === s ? '' : s)}>
            <i />{stateName(s)} {counts[s] ?? 0}
          </button>
        ))}
        <select aria-label={t('队列', 'Queue')} value={queue} onChange={(e) => setQueue(e.currentTarget.value)}>
          <option value="">{t('所有队列', 'All queues')}</option>
          {site.value.queues.map((q) => <option key={q.queue} value={q.queue}>{q.title || q.queue}</option>)}
        </select>
        <input type="search" aria-label={t('查找坐席', 'Find an agent')} placeholder={t('工号、姓名、席位', 'number, name, seat')} value={search} onInput={(e) => setSearch(e.currentTarget.value.trim())} />
      </div>
      <div class="list">
        <table>
          <thead><tr>
            <th>{t('工号', 'Agent')}</th><th>{t('姓名', 'Name')}</th><th>{t('状态', 'State')}</th><th class="num">{t('时长', 'For')}</th><th>{t('原因', 'Reason')}</th>
            <th>{t('席位', 'Seat')}</th><th>{t('队列与技能', 'Queues and skills')}</th><th class="num">{t('接听', 'Answered')}</th><th><span class="unseen">{t('操作', 'Actions')}</span></th>
          </tr></thead>
          <tbody>{wanted.map((a) => (
            <tr key={a.agent} data-agent={a.agent} onDblClick={() => may('agents.control') && setChosen(a.agent)}>
              <td>{a.agent}</td><td class="cut" title={a.name}>{a.name}</td>
              <td><span class={`badge ${a.state}`}>{stateName(a.state)}</span></td>
              <td class="num">{a.state === 'logged_out' ? '' : clock(since(a.since))}</td>
              <td>{why(a)}</td><td>{a.seat}</td><td class="skills">{skills(a)}{a.assigned && <span class="chip">{t('临时调整', 'assigned')}</span>}</td><td class="num">{a.answered || ''}</td>
              <td class="num">{may('agents.control') && <button type="button" onClick={() => setChosen(a.agent)} aria-label={t(`操作坐席 ${a.agent}`, `act on agent ${a.agent}`)}>{t('操作', 'Act')}</button>}</td>
            </tr>
          ))}</tbody>
        </table>
        {wanted.length === 0 && <p class="empty">{t('没有符合条件的坐席', 'No agent is like that')}</p>}
      </div>
      {agent && <AgentDialog agent={agent} close={() => setChosen('')} />}
    </>
  )
}

const byState = (a: Agent, b: Agent) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state) || (a.since ?? '').localeCompare(b.since ?? '') || a.agent.localeCompare(b.agent)

const why = (a: Agent) =>
  [a.state === 'not_ready' && a.reason ? reasonName(a.reason, reasonTitles.value) : '', a.pending ? t(`随后${reasonName(a.pending, reasonTitles.value)}`, `then ${reasonName(a.pending, reasonTitles.value)}`) : ''].filter(Boolean).join(' · ')

function skills(a: Agent): string {
  const level = (n: number | undefined) => (n === undefined || n === 10 ? '' : ` ${n}`)
  return [...a.queues.map((q) => queueTitle(q) + level(a.levels?.[q])), ...Object.entries(a.skills ?? {}).map(([s, n]) => s + level(n))].join(' · ')
}

// turn orders callers of a queue as they are served: by when they came, and their priority.
const turn = (c: Call) => Date.parse(c.queued ?? c.arrived) - (c.priority ?? 0) * site.value.priority_worth * 1000

const waits = (c: Call) => c.phase === 'waiting' || c.phase === 'ringing'

function Calls() {
  const [chosen, setChosen] = useState('')
  const all = [...calls.value.values()]
  const waiting = all.filter(waits).sort((a, b) => turn(a) - turn(b))
  const others = all.filter((c) => !waits(c)).sort((a, b) => a.arrived.localeCompare(b.arrived))
  const call = calls.value.get(chosen)
  return (
    <div class="list two">
      <section aria-label={t('等候中', 'Waiting')}>
        <h2>{t('等候中', 'Waiting')} {waiting.length}</h2>
        <table>
          <thead><tr><th>{t('主叫', 'Caller')}</th><th>{t('队列', 'Queue')}</th><th class="num">{t('已等候', 'Waits')}</th><th class="num">{t('优先', 'Priority')}</th><th>{t('阶段', 'Phase')}</th><th><span class="unseen">{t('操作', 'Actions')}</span></th></tr></thead>
          <tbody>{waiting.map((c) => (
            <tr key={c.call} data-call={c.call}>
              <td>{c.caller}</td><td class="cut" title={queueTitle(c.queue)}>{queueTitle(c.queue)}</td><td class={`num ${since(c.queued) > 30 ? 'bad' : since(c.queued) > 15 ? 'warn' : ''}`}>{clock(since(c.queued))}</td>
              <td class="num">{c.priority || ''}</td><td>{phaseName(c.phase)}{c.agent ? ` ${c.agent}` : ''}</td>
              <td class="num">{may('calls.direct') && <button type="button" onClick={() => setChosen(c.call)}>{t('操作', 'Act')}</button>}</td>
            </tr>
          ))}</tbody>
        </table>
        {waiting.length === 0 && <p class="empty">{t('无人等候', 'Nobody waits')}</p>}
      </section>
      <section aria-label={t('进行中', 'In progress')}>
        <h2>{t('进行中', 'In progress')} {others.length}</h2>
        <table>
          <thead><tr><th>{t('主叫', 'Caller')}</th><th>{t('队列', 'Queue')}</th><th>{t('阶段', 'Phase')}</th><th>{t('坐席', 'Agent')}</th><th class="num">{t('时长', 'For')}</th></tr></thead>
          <tbody>{others.map((c) => (
            <tr key={c.call} data-call={c.call}>
              <td>{c.caller}</td><td class="cut" title={queueTitle(c.queue)}>{queueTitle(c.queue)}</td><td>{phaseName(c.phase)}{c.on_hold ? ` · ${t('保持', 'on hold')} ${clock(since(c.on_hold))}` : ''}</td>
              <td class="cut">{c.agent ? `${c.agent} ${agents.value.get(c.agent)?.name ?? ''}` : c.partner}</td><td class="num">{clock(since(c.answered ?? c.arrived))}</td>
            </tr>
          ))}</tbody>
        </table>
        {others.length === 0 && <p class="empty">{t('没有通话', 'No conversations')}</p>}
      </section>
      {call && waits(call) && <CallDialog call={call} close={() => setChosen('')} />}
    </div>
  )
}

const at = (when: string | undefined) => (when ? timeIn(site.value.time_zone, when) : '')

function Callbacks() {
  const list = [...callbacks.value.values()].sort((a, b) => a.requested.localeCompare(b.requested))
  return (
    <div class="list">
      <table>
        <thead><tr><th>{t('号码', 'Number')}</th><th>{t('队列', 'Queue')}</th><th>{t('来由', 'Why')}</th><th class="num">{t('登记于', 'Since')}</th><th class="num">{t('已等', 'Waits')}</th><th class="num">{t('已拨', 'Attempts')}</th><th class="num">{t('下次', 'Next')}</th><th class="num">{t('截止', 'Until')}</th><th /></tr></thead>
        <tbody>{list.map((c) => (
          <tr key={c.callback}>
            <td>{c.number}</td><td>{queueTitle(c.queue)}</td><td>{c.missed ? t('漏接', 'missed') : t('本人要求', 'asked for')}</td><td class="num">{at(c.requested)}</td><td class="num">{clock(since(c.requested))}</td>
            <td class="num">{c.attempts}</td><td class="num">{at(c.next)}</td><td class="num">{at(c.expires)}</td>
            <td class="num">{may('callbacks.cancel') && <button type="button" onClick={() => void act(`callbacks/${encodeURIComponent(c.callback)}/cancel`, {}, t('已取消回拨', 'the callback was cancelled'))}>{t('取消', 'Cancel')}</button>}</td>
          </tr>
        ))}</tbody>
      </table>
      {list.length === 0 && <p class="empty">{t('没有待回拨的来电', 'Nobody is to be called back')}</p>}
    </div>
  )
}

function BlockedCallers() {
  return (
    <div class="list">
      {may('blocked.change') && <BlockForm />}
      <table>
        <thead><tr><th>{t('号码', 'Number')}</th><th>{t('原因', 'Reason')}</th><th>{t('自', 'Since')}</th><th>{t('至', 'Until')}</th></tr></thead>
        <tbody>{blocked.value.map((b) => (
          <tr key={b.number + b.since}><td>{b.number}</td><td>{b.reason}</td><td>{b.since.slice(0, 10)} {at(b.since)}</td><td>{b.until ? `${b.until.slice(0, 10)} ${at(b.until)}` : t('直到解除', 'until it is lifted')}</td></tr>
        ))}</tbody>
      </table>
      {blocked.value.length === 0 && <p class="empty">{t('没有被限制的号码', 'Nobody is blocked')}</p>}
    </div>
  )
}
