import { signal } from '@preact/signals'
import { may, me } from './api'

export const path = signal(location.pathname)

addEventListener('popstate', () => (path.value = location.pathname))

export function go(to: string) {
  if (to !== location.pathname) history.pushState(null, '', to)
  path.value = to
}

export interface Page {
  path: string
  zh: string
  en: string
  permission: string
}

// The pages with what one must be allowed to do to see them.
export const pages: Page[] = [
  { path: '/', zh: '大屏', en: 'Wallboard', permission: 'queues.read' },
  { path: '/floor', zh: '坐席与来电', en: 'Floor', permission: 'agents.read' },
  { path: '/reports', zh: '报表', en: 'Reports', permission: 'traffic.read' },
  { path: '/desk', zh: '我的坐席', en: 'My desk', permission: 'agents.self' },
]

// The wallboard is of the whole floor: who sees no agents has another page.
export const mine = () => pages.filter((p) => may(p.permission) && (p.path !== '/' || may('agents.read')))

export const home = () => mine()[0]?.path ?? '/account'

export const signedIn = () => me.value !== null
