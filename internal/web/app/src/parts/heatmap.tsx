import { t } from '../language'

const days: [string, string][] = [['周一', 'Mon'], ['周二', 'Tue'], ['周三', 'Wed'], ['周四', 'Thu'], ['周五', 'Fri'], ['周六', 'Sat'], ['周日', 'Sun']]

// HeatMap is the week by hours, Monday first: the number in each place, shaded by its size.
export function HeatMap({ week }: { week: (number | null)[][] }) {
  const most = Math.max(1, ...week.flat().map((n) => n ?? 0))
  return (
    <table class="heat">
      <thead><tr><td />{Array.from({ length: 24 }, (_, h) => <th key={h} scope="col">{h}</th>)}</tr></thead>
      <tbody>
        {days.map(([zh, en], d) => (
          <tr key={en}>
            <th scope="row">{t(zh, en)}</th>
            {Array.from({ length: 24 }, (_, h) => {
              const n = week[d]?.[h] ?? null
              const share = n === null ? 0 : n / most
              return <td key={h} class={share > 0.55 ? 'hot' : ''} style={{ '--share': `${Math.round(share * 100)}%` }}>{n === null ? '' : n >= 10 ? Math.round(n) : n}</td>
            })}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
