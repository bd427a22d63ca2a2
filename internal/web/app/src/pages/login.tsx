import { useEffect, useRef, useState } from 'preact/hooks'
import { Refusal, logIn } from '../api'
import { language, speak, t } from '../language'
import { textOf } from '../told'

export function Login({ refusal }: { refusal: unknown }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [said, setSaid] = useState(toldBy(refusal))
  const [busy, setBusy] = useState(false)
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => {
    first.current?.focus()
    document.title = t('登录 · 12345 热线', 'Log in · 12345 hotline')
  }, [])
  const submit = async (e: Event) => {
    e.preventDefault()
    setBusy(true)
    setSaid('')
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
        {said && <p class="said bad" role="alert">{said}</p>}
        <button class="main" disabled={busy}>{t('登录', 'Log in')}</button>
        <button type="button" class="plain" onClick={() => speak(language.value === 'zh' ? 'en' : 'zh')}>{language.value === 'zh' ? 'English' : '中文'}</button>
      </form>
    </main>
  )
}

// toldBy is what a visitor who is not logged in is told: that nobody is, is no news.
function toldBy(refusal: unknown): string {
  if (!(refusal instanceof Refusal) || refusal.problem.code === 'no_token') return ''
  return textOf(refusal)
}
