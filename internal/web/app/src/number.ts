import { language } from './language'

// Numbers as they are published; a rate without a denominator is a dash.

const none = '—'

export const count = (n: number | null | undefined) => (n == null ? none : n.toLocaleString(language.value === 'zh' ? 'zh-CN' : 'en'))

// percent has the decimals with which rates are published, so that 94.99 is not shown as 95.
export const percent = (n: number | null | undefined) => (n == null ? none : n === 100 || n === 0 ? `${n}%` : `${n.toFixed(2)}%`)

export const seconds = (n: number | null | undefined) => (n == null ? none : `${Math.round(n)}s`)
