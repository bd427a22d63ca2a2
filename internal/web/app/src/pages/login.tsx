import { useEffect, useRef, useState } from 'preact/hooks'
import { Refusal, logIn } from '../api'
import { language, speak, t } from '../language'

interface Ways {
  password: boolean
  oidc: { title: string } | null
}

export function Login({ refusal }: { refusal: unknown }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [said, setSaid] = useState(toldBy(refusal))
  const [busy, setBusy] = useState(false)
  const [ways, setWays] = useState<Ways>({ password: true, oidc: null })
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => {
    first.current?.focus()
    document.title = t('登录 · 12345 热线', 'Log in · 12345 hotline')
    fetch('/api/v1/login').then(async (r) => r.ok && setWays(await r.json())).catch(() => {})
  }, [])
  const submit = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setSaid('')
    try {
      await logIn(name, password)
    } catch (e) {
      setSaid(e instanceof Refusal ? e.message : String(e))
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
        {said && <p class="said bad" role="alert">{said}</p>}
        <button class="main" disabled={busy}>{t('登录', 'Log in')}</button>
        {ways.oidc && <a class="button" href="/api/v1/login/oidc">{ways.oidc.title}</a>}
        <button type="button" class="plain" onClick={() => speak(language.value === 'zh' ? 'en' : 'zh')}>{language.value === 'zh' ? 'English' : '中文'}</button>
      </form>
    </main>
  )
}

// toldBy is what a visitor who is not logged in is told: that nobody is, is no news.
function toldBy(refusal: unknown): string {
  const given = new URLSearchParams(location.search).get('error')
  if (given) return t(`统一登录未成功（${given}）`, `the single sign-on did not succeed (${given})`)
  if (!(refusal instanceof Refusal) || refusal.problem.code === 'no_token') return ''
  return refusal.message
}
