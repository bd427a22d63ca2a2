import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Page, expect, test as plain } from '@playwright/test'

const need = (name: string) => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: these tests are run by go test ./internal/e2e -run TestPages`)
  return value
}

export const base = need('HOTLINE_URL')
export const token = need('HOTLINE_TOKEN')
export const shots = need('PAGES_SHOTS')
export const adminPassword = need('ADMIN_PASSWORD')
const stage = need('PAGES_STAGE')

// phones lets real SIP phones do something; the answer says when it was done, by this
// machine's clock.
export async function phones(what: 'dial' | 'answer' | 'hangup' | 'restart' | 'quiet', body: Record<string, string> = {}) {
  const answer = await fetch(`${stage}/${what}`, { method: 'POST', body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${what}: ${await answer.text()}`)
  return (await answer.json()) as { at: number; number?: string }
}

export const api = async (path: string, method = 'GET', body?: unknown) => {
  const answer = await fetch(`${base}/api/v1/${path}`, {
    method, headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

// test fails when a page asks another host for something, or a script or the browser complains.
export const test = plain.extend<{ complaints: string[] }>({
  complaints: [
    async ({ context }, use) => {
      const list: string[] = []
      context.on('request', (r) => {
        const url = r.url()
        if (!url.startsWith(base) && !url.startsWith('blob:')) list.push(`asks ${url}`)
      })
      context.on('weberror', (e) => list.push(String(e.error())))
      // That a visitor is not logged in, a browser notes as an error.
      context.on('console', (m) => m.type() === 'error' && !m.text().includes('status of 401') && list.push(m.text()))
      await use(list)
      expect(list).toEqual([])
    },
    { auto: true },
  ],
})

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// accessible holds a page to WCAG 2.2 A and AA, as far as a program can: names, labels, contrast.
export async function accessible(page: Page) {
  await page.evaluate(axe)
  const found = await page.evaluate(async () => {
    const run = (window as unknown as { axe: { run: (o: unknown) => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> } }).axe.run
    const { violations } = await run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
    return violations.flatMap((v) => v.nodes.slice(0, 3).map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.failureSummary.replace(/\s+/g, ' ')}`))
  })
  expect(found).toEqual([])
}

export async function logIn(page: Page, name: string, password: string) {
  await page.goto('/')
  await page.getByLabel(/用户名|Name/).fill(name)
  await page.getByLabel(/密码|Password/).fill(password)
  await page.getByRole('button', { name: /^(登录|Log in)$/ }).click()
}

export const wall = async (page: Page, query = '') => {
  await page.goto(`/${query}#token=${token}`)
  await expect(page.getByText('实时', { exact: true })).toBeVisible()
}

export const key = (page: Page, name: string) => page.locator(`[data-key="${name}"] .value`)

// seen is when a place of the page came to show a text, by the browser's own look at each change.
export function seen(page: Page, selector: string, text: string): Promise<number> {
  return page.evaluate(
    ([selector, text]) => new Promise<number>((resolve) => {
      const look = () => {
        if (document.querySelector(selector)?.textContent !== text) return false
        resolve(Date.now())
        return true
      }
      if (look()) return
      const watch = new MutationObserver(() => look() && watch.disconnect())
      watch.observe(document.body, { subtree: true, childList: true, characterData: true })
    }),
    [selector, text] as const,
  )
}
