import { useEffect, useRef, useState } from 'preact/hooks'
import { Refusal, get, logIn, refusal } from '../api'
import { language, speak, t } from '../language'
import { textOf } from '../told'
import type { WaysIn } from '../types'

export function Login() {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [said, setSaid] = useState('')
  const [error, setError] = useState(takeError)
  const [issuer, setIssuer] = useState<WaysIn['oidc']>(null)
  const [busy, setBusy] = useState(false)
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => {
    first.current?.focus()
    document.title = t('登录 · 12345 热线', 'Log in · 12345 hotline')
  }, [])
  useEffect(() => { // anew when the server, which was away, is back
    get<WaysIn>('login').then((ways) => setIssuer(ways.oidc), () => {}) // passwords are left
  }, [refusal.value])
  const shown = error ? sentence(error) : said || toldBy(refusal.value)
  const submit = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setSaid('')
    setError('')
    refusal.value = null
    try {
      await logIn(name, password)
    } catch (e) {
      setSaid(textOf(e))
      setPassword('')
    } finally {
      setBusy(false)
    }
  }
  return (
    <main class="door">
      <form class="card" onSubmit={submit}>
        <div class="brand">
          <img src="/icon.svg" alt="" width="40" height="40" />
          <b>12345</b>
          <span>{t('政务服务便民热线', 'government hotline')}</span>
        </div>
        <label>{t('用户名', 'Name')}
          <input ref={first} name="username" autocomplete="username" required value={name} onInput={(e) => setName(e.currentTarget.value)} />
        </label>
        <label>{t('密码', 'Password')}
          <input name="password" type="password" autocomplete="current-password" required value={password} onInput={(e) => setPassword(e.currentTarget.value)} />
        </label>
        {shown && <p class="said bad" role="alert">{shown}</p>}
        <button class="main" disabled={busy}>{t('登录', 'Log in')}</button>
        {issuer && <a class="button" href="/api/v1/login/oidc">{issuer.title}</a>}
        <button type="button" class="plain" onClick={() => speak(language.value === 'zh' ? 'en' : 'zh')}>{language.value === 'zh' ? 'English' : '中文'}</button>
      </form>
    </main>
  )
}

// takeError is why a login by OpenID Connect has failed. It is told once, and not when
// somebody comes back to the page.
function takeError(): string {
  const code = new URLSearchParams(location.search).get('error')
  if (code === null) return ''
  history.replaceState(null, '', location.pathname)
  return code || 'refused'
}

function sentence(code: string): string {
  switch (code) {
    case 'unknown_user': return t('本系统没有您的用户，或该用户已停用，请联系管理员', 'you have no user here, or it is disabled; ask an admin')
    case 'expired': return t('登录超时，或已在另一窗口重新开始，请再试一次', 'the login took too long, or was begun again in another window; try once more')
    case 'issuer_away': return t('统一身份认证暂时没有响应，请稍后再试，或用密码登录', 'the single sign-on does not answer; try again later, or log in with a password')
    case 'redis_away': return t('数据库暂时不可用，目前无法登录，请稍后再试', 'nobody can log in at this moment, since Redis is away; try again later')
    default: return t('统一身份认证未通过', 'the single sign-on has refused the login')
  }
}

// toldBy is what a visitor who is not logged in is told: that nobody is, is no news.
function toldBy(refusal: unknown): string {
  if (!(refusal instanceof Refusal) || refusal.problem.code === 'no_token') return ''
  return textOf(refusal)
}
