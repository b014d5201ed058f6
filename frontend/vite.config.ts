import { defineConfig } from "vite";

export default defineConfig({
  base: "/static/",
  build: {
    outDir: "../app/web/static",
    emptyOutDir: true,
    manifest: true,
    // The content security policy allows no data: URLs.
    assetsInlineLimit: 0,
    // One script without dynamic imports: there is nothing to preload.
    modulePreload: { polyfill: false },
    rollupOptions: { input: "src/main.ts" },
  },
});
