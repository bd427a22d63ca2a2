import { render } from 'preact'
import { takeToken, whoAmI } from './api'
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
const refusal = await whoAmI()
followLive()
keepSite()
render(<Shell refusal={refusal} />, document.getElementById('page')!)
