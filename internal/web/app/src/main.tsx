import { render } from 'preact'
import { comeBack, takeToken, whoAmI } from './api'
import { runClock } from './clock'
import { language, speak } from './language'
import { followLive } from './live'
import { Shell } from './shell'
import { keepSite } from './site'
import { wear } from './theme'
import 'uplot/dist/uPlot.min.css'
import './style/base.css'
import './style/wallboard.css'
import './style/floor.css'
import './style/reports.css'

takeToken()
speak(language.value)
wear()
runClock()
addEventListener('hashchange', () => takeToken() && location.reload()) // another token, typed over the first
await whoAmI()
comeBack()
followLive()
keepSite()
render(<Shell />, document.getElementById('page')!)
