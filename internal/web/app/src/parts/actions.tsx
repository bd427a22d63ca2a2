import { useEffect, useState } from 'preact/hooks'
import { get, post, put } from '../api'
import { clock, since } from '../clock'
import { t } from '../language'
import { emergency } from '../live'
import { queueTitle, site } from '../site'
import { tell, textOf } from '../told'
import type { Call } from '../types'
import { Dialog } from './dialog'

// act asks the API for something and tells what became of it. true: it was done.
export async function act(path: string, body: unknown, done: string): Promise<boolean> {
  try {
    await post(path, body)
    tell(true, done)
    return true
  } catch (e) {
    tell(false, textOf(e))
    return false
  }
}

export function CallDialog({ call, close }: { call: Call; close: () => void }) {
  const [queue, setQueue] = useState('')
  const [points, setPoints] = useState(String(call.priority ?? 0))
  const path = `calls/${encodeURIComponent(call.call)}`
  const others = site.value.queues.filter((q) => q.queue !== call.queue)
  return (
    <Dialog title={t(`来电 ${call.caller}`, `Caller ${call.caller}`)} close={close}>
      <p>{queueTitle(call.queue)} · {t('已等候', 'waits')} {clock(since(call.queued))}</p>
      <form class="line" onSubmit={(e) => { e.preventDefault(); void act(`${path}/prioritise`, { priority: Number(points) }, t('已调整优先级', 'the priority was set')).then((ok) => ok && close()) }}>
        <label>{t('优先级（分）', 'Priority (points)')} <input type="number" min="-100" max="100" required value={points} onInput={(e) => setPoints(e.currentTarget.value)} /></label>
        <button class="main">{t('调整优先级', 'Set priority')}</button>
      </form>
      {others.length > 0 && (
        <form class="line" onSubmit={(e) => { e.preventDefault(); void act(`${path}/move`, { queue }, t(`已转到${queueTitle(queue)}`, `moved to ${queueTitle(queue)}`)).then((ok) => ok && close()) }}>
          <label>{t('转到队列', 'Move to queue')}
            <select required value={queue} onChange={(e) => setQueue(e.currentTarget.value)}>
              <option value="" />
              {others.map((q) => <option key={q.queue} value={q.queue}>{q.title || q.queue}</option>)}
            </select>
          </label>
          <button class="main">{t('转队列', 'Move')}</button>
        </form>
      )}
    </Dialog>
  )
}

interface Announcement {
  prompt: string
  used_by: string[]
}

// Each caller hears the emergency announcement first: it is switched with care.
export function EmergencyDialog({ close }: { close: () => void }) {
  const [known, setKnown] = useState<Announcement[]>([])
  const [prompt, setPrompt] = useState('')
  const on = emergency.value.length > 0
  useEffect(() => {
    get<{ announcements: Announcement[] }>('announcements').then((a) => setKnown(a.announcements)).catch(() => {})
  }, [])
  const set = async (prompts: string[], done: string) => {
    try {
      await put('emergency', { prompts })
      tell(true, done)
      close()
    } catch (e) {
      tell(false, textOf(e))
    }
  }
  return (
    <Dialog title={t('应急播报', 'Emergency announcement')} close={close}>
      <p>{t('开启后，每位来电者首先听到播报，然后照常接入。', 'While it is on, every caller hears it first, and then goes on as usual.')}</p>
      {on ? (
        <>
          <p class="warn">{t('现在播放', 'On now')}: {emergency.value.join(' ')}</p>
          <button type="button" class="main" onClick={() => void set([], t('应急播报已关闭', 'the emergency announcement is off'))}>{t('关闭播报', 'Switch off')}</button>
        </>
      ) : (
        <form class="line" onSubmit={(e) => { e.preventDefault(); void set([prompt], t('应急播报已开启', 'the emergency announcement is on')) }}>
          <label>{t('播报', 'Announcement')}
            <input required pattern="[a-z0-9\-]{1,64}" list="prompts" value={prompt} onInput={(e) => setPrompt(e.currentTarget.value)} placeholder="flood-warning" />
            <datalist id="prompts">{known.map((a) => <option key={a.prompt} value={a.prompt} />)}</datalist>
          </label>
          <button class="danger">{t('立即开启', 'Switch on now')}</button>
        </form>
      )}
    </Dialog>
  )
}

export function BlockForm() {
  const [number, setNumber] = useState('')
  const [reason, setReason] = useState('')
  return (
    <form class="line" onSubmit={(e) => { e.preventDefault(); void act('blocked', { number, reason }, t('已限制该号码', 'the caller is blocked')).then((ok) => { if (ok) { setNumber(''); setReason('') } }) }}>
      <label>{t('号码', 'Number')} <input required inputMode="tel" value={number} onInput={(e) => setNumber(e.currentTarget.value.trim())} /></label>
      <label>{t('原因', 'Reason')} <input value={reason} onInput={(e) => setReason(e.currentTarget.value)} /></label>
      <button class="danger" disabled={!reason}>{t('限制', 'Block')}</button>
      <button type="button" disabled={!number} onClick={() => void act('blocked/lift', { number }, t('已解除', 'the block was lifted')).then((ok) => ok && setNumber(''))}>{t('解除限制', 'Lift the block')}</button>
    </form>
  )
}
