// Opens the wallboard of HOTLINE_URL and lets it run until the standard input ends.
import { chromium } from '@playwright/test'

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--no-first-run'] })
const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } })
await page.goto(`${process.env.HOTLINE_URL}/?wall#token=${process.env.HOTLINE_TOKEN}`)
await page.getByText('实时', { exact: true }).waitFor()
await page.locator('.tile').first().waitFor()
console.log('open')
process.stdin.resume()
await new Promise((ended) => process.stdin.once('end', ended))
if (process.env.PAGES_SHOTS) await page.screenshot({ path: `${process.env.PAGES_SHOTS}/wall-busy.png` })
await browser.close()
