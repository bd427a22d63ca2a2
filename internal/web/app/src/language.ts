import { signal } from '@preact/signals'

// Everything that people read is in Chinese with English beside it, at the place where it
// is shown, so that none is forgotten.

export type Language = 'zh' | 'en'

const kept = 'hotline.language'

export const language = signal<Language>(localStorage.getItem(kept) === 'en' ? 'en' : 'zh')

export function speak(l: Language) {
  language.value = l
  localStorage.setItem(kept, l)
  document.documentElement.lang = l === 'zh' ? 'zh-CN' : 'en'
}

export const t = (zh: string, en: string) => (language.value === 'zh' ? zh : en)

const states: Record<string, [string, string]> = {
  ready: ['空闲', 'ready'],
  ringing: ['振铃', 'ringing'],
  talking: ['通话', 'talking'],
  wrap_up: ['整理', 'wrap-up'],
  not_ready: ['置忙', 'not ready'],
  logged_out: ['签出', 'logged out'],
}

// The order in which states are shown: who can help first.
export const stateOrder = ['ready', 'ringing', 'talking', 'wrap_up', 'not_ready', 'logged_out']

export const stateName = (state: string) => t(...(states[state] ?? [state, state]))

const phases: Record<string, [string, string]> = {
  greeting: ['欢迎语', 'greeting'],
  waiting: ['等候', 'waiting'],
  ringing: ['振铃', 'ringing'],
  answered: ['接通中', 'connecting'],
  talking: ['通话', 'talking'],
  rating: ['评价', 'rating'],
  joining: ['转接中', 'joining'],
  away: ['友邻热线', 'with a partner'],
  closing: ['告知中', 'closing'],
}

export const phaseName = (phase: string) => t(...(phases[phase] ?? [phase, phase]))

// Reasons that the program itself gives; a site's own have titles in the configuration.
const reasons: Record<string, [string, string]> = {
  login: ['刚签入', 'just logged in'],
  rona: ['振铃未接', 'did not answer'],
  refused: ['拒接', 'refused a call'],
  busy: ['话机占线', 'phone was busy'],
  unreachable: ['话机不可达', 'phone unreachable'],
  failed: ['话机故障', 'phone failed'],
  logout: ['将签出', 'logging out'],
}

export const reasonName = (reason: string, titles: Record<string, string>) =>
  titles[reason] ?? t(...(reasons[reason] ?? [reason, reason]))
