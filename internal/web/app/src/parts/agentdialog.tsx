import { useState } from 'preact/hooks'
import { may } from '../api'
import { clock, since } from '../clock'
import { reasonName, stateName, t } from '../language'
import { agents } from '../live'
import { reasonTitles, site } from '../site'
import type { Agent } from '../types'
import { act } from './actions'
import { Dialog } from './dialog'

// AgentDialog is what can be done with one agent. What is not possible now is not shown.
export function AgentDialog({ agent, close }: { agent: Agent; close: () => void }) {
  return (
    <Dialog title={`${agent.agent} ${agent.name}`} close={close}>
      <p><span class={`badge ${agent.state}`}>{stateName(agent.state)}</span> {agent.state !== 'logged_out' && clock(since(agent.since))} {agent.reason && reasonName(agent.reason, reasonTitles.value)} {agent.seat && t(`席位 ${agent.seat}`, `seat ${agent.seat}`)}</p>
      <StateButtons agent={agent} />
      {may('agents.assign') && agent.levels && <Skills key={JSON.stringify([agent.levels, agent.skills])} agent={agent} />}
    </Dialog>
  )
}

// StateButtons changes an agent's state: a supervisor's for all, an agent's for itself.
export function StateButtons({ agent }: { agent: Agent }) {
  const path = `agents/${encodeURIComponent(agent.agent)}`
  if (agent.state === 'logged_out') return <LoginAt agent={agent} />
  const later = ['ringing', 'talking'].includes(agent.state)
  return (
    <div class="buttons">
      {(agent.state !== 'ready' || agent.pending) && !['ringing', 'talking'].includes(agent.state) && (
        <button type="button" class="main" onClick={() => void act(`${path}/ready`, {}, t(`${agent.agent} 已置闲`, `${agent.agent} is ready`))}>{t('置闲', 'Ready')}</button>
      )}
      {later && agent.pending && <button type="button" onClick={() => void act(`${path}/ready`, {}, t('已撤销', 'taken back'))}>{t('撤销', 'Take back')} {reasonName(agent.pending, reasonTitles.value)}</button>}
      {site.value.reasons.map((r) => (
        <button key={r.reason} type="button" onClick={() => void act(`${path}/not-ready`, { reason: r.reason }, t(`${agent.agent} ${later ? '随后' : '已'}${r.title}`, `${agent.agent} is not ready: ${r.title}${later ? ', after this call' : ''}`))}>
          {later ? t('随后', 'Then ') : ''}{r.title}
        </button>
      ))}
      {agent.state === 'wrap_up' && (
        <button type="button" onClick={() => void act(`${path}/wrap-up`, { extend: '60s' }, t('整理时间已延长 1 分钟', 'one more minute of wrap-up'))}>{t('整理 +1 分钟', 'Wrap-up +1 min')}</button>
      )}
      <button type="button" onClick={() => void act(`${path}/logout`, {}, t(`${agent.agent} ${later ? '将签出' : '已签出'}`, `${agent.agent} ${later ? 'logs out after this call' : 'is logged out'}`))}>{later ? t('随后签出', 'Then log out') : t('签出', 'Log out')}</button>
    </div>
  )
}

function LoginAt({ agent }: { agent: Agent }) {
  const taken = new Set([...agents.value.values()].map((a) => a.seat))
  const free = site.value.seats.filter((s) => !taken.has(s))
  const [seat, setSeat] = useState('')
  return (
    <form class="line" onSubmit={(e) => { e.preventDefault(); void act(`agents/${encodeURIComponent(agent.agent)}/login`, { seat }, t(`${agent.agent} 已签入 ${seat}`, `${agent.agent} is logged in at ${seat}`)) }}>
      <label>{t('席位', 'Seat')}
        <input required list="seats" inputMode="numeric" value={seat} onInput={(e) => setSeat(e.currentTarget.value.trim())} />
        <datalist id="seats">{free.map((s) => <option key={s} value={s} />)}</datalist>
      </label>
      <button class="main">{t('签入', 'Log in')}</button>
    </form>
  )
}

// Skills lets a supervisor say which queues and skills an agent has until it is taken back.
function Skills({ agent }: { agent: Agent }) {
  const [levels, setLevels] = useState<Record<string, number>>(agent.levels ?? {})
  const [skills, setSkills] = useState<Record<string, number>>(agent.skills ?? {})
  const path = `agents/${encodeURIComponent(agent.agent)}/skills`
  const some = (of: Record<string, number>) => Object.fromEntries(Object.entries(of).filter(([, n]) => n > 0))
  return (
    <form class="skillset" onSubmit={(e) => { e.preventDefault(); void act(path, { queues: some(levels), skills: some(skills) }, t(`已调整 ${agent.agent} 的队列与技能`, `queues and skills of ${agent.agent} were set`)) }}>
      <h3>{t('队列与技能（1 至 10 级）', 'Queues and skills (levels 1 to 10)')}</h3>
      <div class="grid">
        {site.value.queues.map((q) => <Level key={q.queue} label={q.title || q.queue} value={levels[q.queue] ?? 0} set={(n) => setLevels({ ...levels, [q.queue]: n })} />)}
        {site.value.skills.map((s) => <Level key={s} label={s} value={skills[s] ?? 0} set={(n) => setSkills({ ...skills, [s]: n })} />)}
      </div>
      <div class="buttons">
        <button class="main" disabled={Object.keys(some(levels)).length === 0}>{t('调整', 'Assign')}</button>
        {agent.assigned && <button type="button" onClick={() => void act(`${path}/reset`, {}, t('已恢复配置', 'as configured again'))}>{t('恢复为配置', 'As configured')}</button>}
      </div>
    </form>
  )
}

function Level({ label, value, set }: { label: string; value: number; set: (n: number) => void }) {
  return (
    <label><span>{label}</span>
      <select value={String(value)} onChange={(e) => set(Number(e.currentTarget.value))}>
        <option value="0">{t('无', 'none')}</option>
        {Array.from({ length: 10 }, (_, i) => <option key={i} value={String(i + 1)}>{i + 1}</option>)}
      </select>
    </label>
  )
}
