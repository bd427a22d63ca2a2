import { signal } from '@preact/signals'
import { roughServerTime } from './clock'
import { t } from './language'
import type { Me, Problem } from './types'

// Refusal is an answer of the API that says no.
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail)
  }
}

export const me = signal<Me | null>(null)

// refusal is why nobody is logged in, or no longer.
export const refusal = signal<unknown>(null)

export const may = (permission: string) => me.value?.permissions.includes(permission) ?? false

// A wall screen has nobody who logs in: it is opened with #token=… and keeps the token as
// long as its window lives.
const tokenKey = 'hotline.token'

export function takeToken(): boolean {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (!given) return false
  sessionStorage.setItem(tokenKey, given)
  history.replaceState(null, '', location.pathname + location.search)
  return true
}

export const dropToken = () => sessionStorage.removeItem(tokenKey)

export function headers(): Record<string, string> {
  const token = sessionStorage.getItem(tokenKey)
  return token ? { Authorization: `Bearer ${token}` } : {}
}

export async function problemOf(answer: Response): Promise<Problem> {
  try {
    const problem = (await answer.json()) as Problem
    if (problem.detail) return { ...problem, status: answer.status }
  } catch {
    // not JSON: a proxy has answered
  }
  return { status: answer.status, code: 'no_answer', detail: t(`服务器返回 ${answer.status}`, `the server answered ${answer.status}`) }
}

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const sent: Record<string, string> = { ...headers(), Accept: 'application/json' }
  if (body !== undefined) sent['Content-Type'] = 'application/json'
  if (method !== 'GET' && me.value?.csrf) sent['X-CSRF-Token'] = me.value.csrf
  let answer: Response
  try {
    answer = await fetch(`/api/v1/${path}`, { method, headers: sent, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store' })
  } catch {
    throw new Refusal({ status: 0, code: 'no_connection', detail: t('连接不上服务器', 'the server cannot be reached') })
  }
  roughServerTime(answer.headers.get('Date'))
  if (answer.ok) return answer
  const problem = await problemOf(answer)
  const no = new Refusal(problem)
  if (answer.status === 401 && me.value && path !== 'login') { // the page asks for a login
    refusal.value = no
    me.value = null
  }
  if (problem.code === 'no_csrf_token') void askAgain() // somebody has logged in in another tab
  throw no
}

export const get = async <T>(path: string) => (await (await ask('GET', path)).json()) as T
export const post = async <T>(path: string, body: unknown = {}) => (await (await ask('POST', path, body)).json()) as T
export const put = async <T>(path: string, body: unknown) => (await (await ask('PUT', path, body)).json()) as T
export const file = async (path: string) => (await ask('GET', path)).blob()

export async function whoAmI() {
  try {
    me.value = await get<Me>('me')
    refusal.value = null
  } catch (e) {
    if (e instanceof Refusal && e.problem.status === 401) dropToken()
    refusal.value = e
    me.value = null
  }
}

// askAgain who is logged in, and what that one may; who is stays so when there is no answer.
export async function askAgain() {
  try {
    me.value = await get<Me>('me')
  } catch {
    // a 401 has asked for a login
  }
}

const patience = 5000

// comeBack asks again while the server cannot say who is logged in: nobody is at a wall screen
// to load its page anew.
export function comeBack() {
  setInterval(() => {
    const no = refusal.value
    if (!me.value && no instanceof Refusal && no.problem.status !== 401) void whoAmI()
  }, patience)
}

export async function logIn(name: string, password: string) {
  dropToken()
  await post('login', { name, password })
  await whoAmI()
}

export async function logOut() {
  try {
    await post('logout')
  } finally {
    dropToken()
    refusal.value = null
    me.value = null
  }
}
