import { useState } from 'preact/hooks'
import { logOut, me, post, whoAmI } from '../api'
import { t } from '../language'
import { textOf } from '../told'

// Account lets one choose a password; who has a first one can do nothing else before.
export function Account() {
  const [present, setPresent] = useState('')
  const [fresh, setFresh] = useState('')
  const [again, setAgain] = useState('')
  const [said, setSaid] = useState({ good: false, text: '' })
  const who = me.value!
  const submit = async (e: Event) => {
    e.preventDefault()
    if (fresh !== again) {
      setSaid({ good: false, text: t('两次输入的新密码不同', 'the new password was typed in two ways') })
      return
    }
    try {
      await post('me/password', { present, new: fresh })
      await whoAmI()
      setPresent('')
      setFresh('')
      setAgain('')
      setSaid({ good: true, text: t('密码已更改', 'the password was changed') })
    } catch (e) {
      setSaid({ good: false, text: textOf(e) })
    }
  }
  return (
    <div class="door">
      <form class="card" onSubmit={submit}>
        <h1>{who.title || who.name}</h1>
        <p>{who.password_expired
          ? t('请先设置自己的密码。', 'Choose a password of your own first.')
          : t('更改密码', 'Change the password')}</p>
        <p class="hint">{t('至少 15 个字符：一句话，或四个词。', 'At least 15 characters: a sentence, or four words.')}</p>
        <input type="text" name="username" autocomplete="username" value={who.name} readOnly hidden />
        <label>{t('现在的密码', 'Present password')}
          <input type="password" autocomplete="current-password" required value={present} onInput={(e) => setPresent(e.currentTarget.value)} />
        </label>
        <label>{t('新密码', 'New password')}
          <input type="password" autocomplete="new-password" required minLength={15} value={fresh} onInput={(e) => setFresh(e.currentTarget.value)} />
        </label>
        <label>{t('再次输入新密码', 'New password again')}
          <input type="password" autocomplete="new-password" required value={again} onInput={(e) => setAgain(e.currentTarget.value)} />
        </label>
        {said.text && <p class={said.good ? 'said good' : 'said bad'} role="alert">{said.text}</p>}
        <button class="main">{t('更改', 'Change')}</button>
        {who.password_expired && <button type="button" class="plain" onClick={() => void logOut()}>{t('退出', 'Log out')}</button>}
      </form>
    </div>
  )
}
