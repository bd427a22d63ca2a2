import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { logOut, me } from './api'
import { now, timeIn } from './clock'
import { language, speak, t } from './language'
import { follows, link } from './live'
import { Account } from './pages/account'
import { Desk } from './pages/desk'
import { Floor } from './pages/floor'
import { Login } from './pages/login'
import { Reports } from './pages/reports'
import { Wallboard } from './pages/wallboard'
import { go, home, mine, path } from './route'
import { site } from './site'
import { theme, wear } from './theme'

// bare hides everything that is not for a wall.
export const bare = signal(new URLSearchParams(location.search).has('wall'))

export function Shell() {
  const who = me.value
  if (!who) return <Login />
  if (who.password_expired) return <Account />
  return <Inside />
}

function Inside() {
  const allowed = mine()
  const at = path.value
  const known = allowed.some((p) => p.path === at) || at === '/account'
  useEffect(() => {
    if (!known) go(home())
  }, [known])
  const current = allowed.find((p) => p.path === at)
  useEffect(() => {
    document.title = `${current ? t(current.zh, current.en) : t('账户', 'Account')} · ${t('12345 热线', '12345 hotline')}`
  })
  return (
    <div class={bare.value ? 'shell bare' : 'shell'}>
      <Header />
      <main id="main">
        {at === '/' && known && <Wallboard />}
        {at === '/floor' && known && <Floor />}
        {at === '/reports' && known && <Reports />}
        {at === '/desk' && known && <Desk />}
        {at === '/account' && <Account />}
      </main>
    </div>
  )
}

function Header() {
  const who = me.value!
  return (
    <header class="top">
      <a class="skip" href="#main">{t('跳到内容', 'Skip to content')}</a>
      <div class="brand">
        <img src="/icon.svg" alt="" width="32" height="32" />
        <b>{site.value.numbers[0] ?? '12345'}</b>
        <span>{t('政务服务便民热线', 'government hotline')}</span>
      </div>
      <nav aria-label={t('页面', 'Pages')}>
        {mine().map((p) => (
          <a
            key={p.path} href={p.path} aria-current={p.path === path.value ? 'page' : undefined}
            onClick={(e) => { e.preventDefault(); go(p.path) }}
          >{t(p.zh, p.en)}</a>
        ))}
      </nav>
      <div class="tools">
        {follows() && <Link />}
        <time class="clock">{timeIn(site.value.time_zone, now.value, true)}</time>
        <button type="button" onClick={() => speak(language.value === 'zh' ? 'en' : 'zh')} lang={language.value === 'zh' ? 'en' : 'zh-CN'}>
          {language.value === 'zh' ? 'English' : '中文'}
        </button>
        <button type="button" onClick={() => wear(theme.value === 'dark' ? 'light' : 'dark')}>
          {theme.value === 'dark' ? t('浅色', 'Light') : t('深色', 'Dark')}
        </button>
        {path.value === '/' && <WallButton />}
        {who.via === 'session' && (
          <>
            <a href="/account" aria-current={path.value === '/account' ? 'page' : undefined} onClick={(e) => { e.preventDefault(); go('/account') }}>{who.title || who.name}</a>
            <button type="button" onClick={() => void logOut()}>{t('退出', 'Log out')}</button>
          </>
        )}
      </div>
    </header>
  )
}

function WallButton() {
  useEffect(() => {
    const left = () => { if (!document.fullscreenElement) bare.value = false }
    document.addEventListener('fullscreenchange', left)
    return () => document.removeEventListener('fullscreenchange', left)
  }, [])
  return (
    <button type="button" onClick={() => { bare.value = true; void document.documentElement.requestFullscreen?.().catch(() => {}) }}>
      {t('全屏', 'Full screen')}
    </button>
  )
}

// Link says at all times whether what is shown is live.
function Link() {
  const { state, why } = link.value
  if (state === 'live') return <span class="link live">{t('实时', 'Live')}</span>
  if (state === 'connecting') return <span class="link">{t('连接中', 'Connecting')}</span>
  return <span class="link lost" role="alert" title={why}>{t('已断开，正在重连', 'Not live, reconnecting')}{why && <span class="why">{t('：', ': ')}{why}</span>}</span>
}
