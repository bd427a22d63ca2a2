import { language } from './language'

// Numbers as they are published; a rate without a denominator is a dash.

const none = '—'

export const count = (n: number | null | undefined) => (n == null ? none : n.toLocaleString(language.value === 'zh' ? 'zh-CN' : 'en'))

export const percent = (n: number | null | undefined, decimals = 1) => (n == null ? none : `${n.toFixed(decimals)}%`)

export const seconds = (n: number | null | undefined) => (n == null ? none : `${Math.round(n)}s`)
