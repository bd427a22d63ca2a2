import { memo } from './memo'
import { useEffect, useRef, useState } from 'preact/hooks'
import { clock, now, since } from '../clock'
import { reasonName, stateName, stateOrder, t } from '../language'
import { reasonTitles } from '../site'
import type { Agent } from '../types'

const gap = 0.12 // of a tile's side between two

// fit is the number of columns with which n tiles are largest in a box.
export function fit(n: number, width: number, height: number): { columns: number; side: number } {
  let best = { columns: 1, side: 0 }
  for (let columns = 1; columns <= n; columns++) {
    const rows = Math.ceil(n / columns)
    const side = Math.min(width / columns, (height / rows) * 1.6) // a tile may be broader than high
    if (side > best.side) best = { columns, side }
  }
  return best
}

// Tiles shows who is on duty, by state and for how long, as large as the box lets it.
export function Tiles({ agents }: { agents: Agent[] }) {
  const counts: Record<string, number> = {}
  for (const a of agents) counts[a.state] = (counts[a.state] ?? 0) + 1
  const onDuty = agents
    .filter((a) => a.state !== 'logged_out')
    .sort((a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state) || (a.since ?? '').localeCompare(b.since ?? '') || a.agent.localeCompare(b.agent))
  const box = useRef<HTMLUListElement>(null)
  const [size, setSize] = useState({ width: 800, height: 400 })
  useEffect(() => {
    const seen = new ResizeObserver(([e]) => setSize({ width: e.contentRect.width, height: e.contentRect.height }))
    seen.observe(box.current!)
    return () => seen.disconnect()
  }, [])
  const most = Math.max(onDuty.length, 12) // a few are not blown up over the wall
  const { columns, side } = fit(most, size.width, size.height)
  const detail = side > 130 ? 'all' : side > 62 ? 'some' : 'least'
  return (
    <>
      <ul class="states">
        {stateOrder.map((s) => (
          <li key={s} class={`state ${s}`} data-state={s}><b>{counts[s] ?? 0}</b><span>{stateName(s)}</span></li>
        ))}
      </ul>
      <ul class={`tiles ${detail}`} ref={box} style={{ gridTemplateColumns: `repeat(${columns}, 1fr)`, gap: `${side * gap * 0.5}px`, '--side': `${side}px` }}>
        {onDuty.map((a) => <Tile key={a.agent} a={a} detail={detail} clock={detail === 'least' ? 0 : now.value} />)}
      </ul>
      {onDuty.length === 0 && <p class="nobody">{t('无人在岗', 'Nobody is on duty')}</p>}
    </>
  )
}

// A tile of the smallest kind has no clock, and is drawn anew only when its agent changes.
const Tile = memo(function Tile({ a, detail }: { a: Agent; detail: string; clock: number }) {
  const why = a.state === 'not_ready' && a.reason ? reasonName(a.reason, reasonTitles.value) : ''
  return (
    <li class={`tile ${a.state}`} data-agent={a.agent} title={`${a.agent} ${a.name} · ${stateName(a.state)}${why ? ` · ${why}` : ''}`}>
      <b>{a.agent}</b>
      {detail === 'all' && <span class="who">{a.name}</span>}
      {detail !== 'least' && <span class="what"><span>{why || stateName(a.state)}</span> <span class="for">{clock(since(a.since))}</span></span>}
      {detail === 'least' && <span class="unseen">{stateName(a.state)}</span>}
    </li>
  )
})
