import { signal } from '@preact/signals'
import { t } from './language'
import type { Me, Problem } from './types'

// Refusal is an answer of the API that says no.
export class Refusal extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail)
  }
}

export const me = signal<Me | null>(null)

export const may = (permission: string) => me.value?.permissions.includes(permission) ?? false

// A wall screen has nobody who logs in: it is opened with #token=… and keeps the token as
// long as its window lives.
const tokenKey = 'hotline.token'

export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (!given) return
  sessionStorage.setItem(tokenKey, given)
  history.replaceState(null, '', location.pathname + location.search)
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
  if (answer.ok) return answer
  const problem = await problemOf(answer)
  if (answer.status === 401 && path !== 'login') me.value = null // the page asks for a login
  throw new Refusal(problem)
}

export const get = async <T>(path: string) => (await (await ask('GET', path)).json()) as T
export const post = async <T>(path: string, body: unknown = {}) => (await (await ask('POST', path, body)).json()) as T
export const put = async <T>(path: string, body: unknown) => (await (await ask('PUT', path, body)).json()) as T
export const file = async (path: string) => (await ask('GET', path)).blob()

export async function whoAmI() {
  try {
    me.value = await get<Me>('me')
  } catch (e) {
    if (e instanceof Refusal && e.problem.status === 401) dropToken()
    me.value = null
    return e
  }
  return null
}

export async function logIn(name: string, password: string) {
  dropToken()
  await post('login', { name, password })
  return whoAmI()
}

export async function logOut() {
  try {
    await post('logout')
  } finally {
    dropToken()
    me.value = null
  }
}
