import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import { theme } from '../theme'

export interface Series {
  label: string
  values: (number | null)[]
  color: string // a CSS variable
  fill?: boolean
  dash?: boolean
  bars?: boolean
  percent?: boolean // on an axis of its own, in per cent
}

interface Props {
  labels: string[] // of all places across; a series may end before
  series: Series[]
  title: string // for who does not see it
  every?: number // of the labels is written
}

const color = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

// Chart draws series over labels. The figures also stand in a table that a screen reader
// finds, or beside it on the page.
export function Chart({ labels, series, title, every }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const wear = theme.value
  useEffect(() => {
    const at = box.current!
    const plot = new uPlot(options(at, labels, series, every), data(labels, series), at)
    const resized = new ResizeObserver(() => plot.setSize({ width: at.clientWidth, height: at.clientHeight }))
    resized.observe(at)
    return () => {
      resized.disconnect()
      plot.destroy()
    }
  }, [JSON.stringify([labels, series]), wear])
  return <div class="chart" role="img" aria-label={title} ref={box} />
}

// Calls are counted in whole numbers.
const wholes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000]

const data = (labels: string[], series: Series[]): uPlot.AlignedData => [
  labels.map((_, i) => i),
  ...series.map((s) => labels.map((_, i) => s.values[i] ?? null)),
]

function options(at: HTMLElement, labels: string[], series: Series[], every = 1): uPlot.Options {
  const text = color('--muted')
  const size = parseFloat(getComputedStyle(at).fontSize)
  const font = `${Math.round(size)}px ${getComputedStyle(at).fontFamily}`
  const grid = { stroke: color('--line'), width: 1 }
  const rates = series.some((s) => s.percent)
  // Labels stand at whole multiples of every, and do not overlap.
  const fits = Math.ceil((labels.length * size * 3.3) / Math.max(1, at.clientWidth - size * 8))
  const each = every * Math.ceil(fits / every)
  const bars = uPlot.paths.bars!({ size: [0.7, 60] })
  return {
    width: at.clientWidth,
    height: at.clientHeight,
    padding: [size / 2, rates ? 0 : size, 0, 0],
    cursor: { y: false, points: { size: 6 } },
    legend: { show: true, live: true },
    scales: {
      x: { time: false, range: (_, min, max) => (series.some((s) => s.bars) ? [min - 0.6, max + 0.6] : [min, max]) },
      y: { range: (_u, _min, max) => [0, Math.max(4, (max ?? 0) * 1.1)] },
      rate: { range: (_u, min) => [Math.max(0, Math.min(90, Math.floor(((min ?? 100) - 2) / 10) * 10)), 100] },
    },
    axes: [
      {
        stroke: text, font, grid: { show: false }, ticks: { show: false }, size: size * 1.8,
        splits: () => labels.map((_, i) => i).filter((i) => i % each === 0),
        values: (_, places) => places.map((i) => labels[i] ?? ''),
      },
      { stroke: text, font, grid, ticks: { show: false }, size: size * 3.4, space: size * 2.4, incrs: wholes },
      ...(rates ? [{ scale: 'rate', side: 1 as const, stroke: text, font, grid: { show: false }, ticks: { show: false }, size: size * 4, values: (_: uPlot, v: number[]) => v.map((n) => `${n}%`) }] : []),
    ],
    series: [
      { label: '', value: (_, i) => labels[i] ?? '' },
      ...series.map((s): uPlot.Series => ({
        label: s.label,
        scale: s.percent ? 'rate' : 'y',
        stroke: color(s.color),
        width: s.dash ? 1.5 : 2.5,
        dash: s.dash ? [6, 4] : undefined,
        fill: s.bars ? color(s.color) : s.fill ? `${color(s.color)}33` : undefined,
        paths: s.bars ? bars : undefined,
        points: { show: Boolean(s.percent), size: 5 }, // one alone makes no line
        spanGaps: false,
        value: (_, v) => (v == null ? '—' : s.percent ? `${v}%` : String(v)),
      })),
    ],
  }
}
