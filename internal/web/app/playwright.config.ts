import { defineConfig } from '@playwright/test'

// The tests run against a hotline that is up, with phones that do as the tests say
// (internal/e2e, TestPages). One after the other, for they share its callers; none is tried twice.
export default defineConfig({
  testDir: 'test',
  outputDir: process.env.PAGES_OUTPUT ?? 'test-results',
  workers: 1,
  retries: 0,
  timeout: 40_000,
  expect: { timeout: 5_000 },
  reporter: 'list',
  use: {
    baseURL: process.env.HOTLINE_URL,
    viewport: { width: 1440, height: 900 },
    locale: 'zh-CN',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
    },
  },
})
