import { defineConfig } from 'vite'

// The pages are embedded in the program: dist/site beside the Go code. Assets have their
// hash in the name, so that browsers may keep them for good.
export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    outDir: '../dist/site',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // the content security policy allows no data: URLs
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  // npm run dev: the pages from here, the API from a running hotline.
  server: { proxy: { '/api': process.env.HOTLINE ?? 'http://127.0.0.1:8080' } },
})
