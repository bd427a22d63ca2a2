import { t } from './language'
import type { Problem } from './types'

// What the API refuses, by its code, in Chinese. The API's own sentence is English and says
// more: it is shown to who reads English, and to all when the code is not known here.
const chinese: Record<string, string> = {
  // logging in
  wrong_login: '用户名或密码不正确',
  too_many_attempts: '尝试次数过多，请稍后再试',
  wrong_password: '现在的密码不正确',
  bad_password: '新密码不符合要求：至少 15 个字符、至少 6 个不同的字符，不含用户名，不是常见密码',
  password_expired: '请先设置自己的密码',
  no_session: '请用密码登录',
  session_over: '登录已过期，请重新登录',
  wrong_token: '令牌无效或已过期',
  rights_changed: '您的权限已变更，请重新登录',
  not_allowed: '您没有此项权限',
  no_csrf_token: '页面已过期，请刷新后再试',
  foreign_origin: '请求来自其他网站，已拒绝',
  // agents
  unknown_agent: '没有这个坐席',
  unknown_seat: '没有这个席位',
  unknown_reason: '没有这个置忙原因',
  seat_taken: '席位已有人使用',
  already_logged_in: '该坐席已在其他席位签入',
  not_logged_in: '该坐席尚未签入',
  busy: '系统正忙，请稍后再试',
  not_in_wrap_up: '该坐席不在整理状态',
  bad_extension: '延长的时间不正确',
  no_queues: '至少要有一个队列',
  unknown_queue: '没有这个队列',
  unknown_skill: '没有这项技能',
  bad_level: '级别为 1 至 10',
  // callers
  unknown_call: '来电已结束',
  not_waiting: '来电已不在等候',
  same_queue: '来电已在该队列',
  bad_priority: '优先级为 -100 至 100',
  no_priority: '请填写优先级',
  no_queue: '请选择队列',
  unknown_callback: '没有这个回拨',
  callback_under_way: '正在回拨，不能取消',
  no_number: '请填写号码',
  no_reason: '请填写原因',
  not_blocked: '该号码未被限制',
  bad_expiry: '截止时间不正确',
  no_prompts: '请选择播报',
  bad_prompt: '播报名只含小写字母、数字和连字符',
  // reports
  no_data: '该时段没有话务数据',
  no_browser: '服务器未安装 Chromium，不能生成 PDF；请选择其他格式',
  not_printed: '未能生成 PDF；请选择公布版，用浏览器打印',
  archived: '该日话单已归档',
  // the server
  no_connection: '连接不上服务器',
  no_answer: '服务器未及时答复，请再试',
  unavailable: '服务器暂时无法答复',
  redis_away: '数据库暂时不通，请稍后再试',
  ending: '服务器正在重启，稍后自动重连',
  too_slow: '网络太慢，正在重连',
  too_many_clients: '连接数过多，请稍后再试',
  internal: '程序出错，请联系运维',
  in_progress: '同一请求正在处理',
}

// sentence is what a person is told of a refusal.
export function sentence(p: Problem): string {
  // Who leads instead stands in the sentence of the API only.
  if (p.code === 'standby') return t(`此控制器处于备用状态。${p.detail}`, p.detail)
  return t(chinese[p.code] ?? p.detail, p.detail)
}
