import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig, type Plugin } from "vite";

const root = import.meta.dirname;

/** The output folder is in the repository, empty, so that Go can embed it before the first build. */
function keepFolder(): Plugin {
  return {
    name: "keep-folder",
    apply: "build",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: ".gitkeep", source: "" });
    },
  };
}

/** The two faces start loading with the page, not after its style sheet. */
function preloadFonts(): Plugin {
  return {
    name: "preload-fonts",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(_html, ctx) {
        return Object.keys(ctx.bundle ?? {})
          .filter((name) => name.endsWith(".woff2"))
          .sort()
          .map((name) => ({
            tag: "link",
            attrs: { rel: "preload", as: "font", type: "font/woff2", href: `/${name}`, crossorigin: "" },
            injectTo: "head-prepend" as const,
          }));
      },
    },
  };
}

/** The printed slip's texts are the daemon's: the page goes without them. */
function withoutSlip(): Plugin {
  return {
    name: "without-slip",
    enforce: "pre",
    transform: {
      filter: { id: /\/internal\/lang\/\w+\.json$/ },
      handler(code) {
        const texts = JSON.parse(code) as Record<string, string>;
        return JSON.stringify(Object.fromEntries(Object.entries(texts).filter(([key]) => !key.startsWith("slip."))));
      },
    },
  };
}

export default defineConfig({
  root,
  plugins: [withoutSlip(), keepFolder(), preloadFonts()],
  build: {
    target: "es2022",
    outDir: "dist",
    emptyOutDir: true,
    // The daemon's Content-Security-Policy allows neither inline script nor data: URLs.
    assetsInlineLimit: 0,
    // From the same machine nothing is gained by fetching ahead.
    modulePreload: false,
    rolldownOptions: {
      // dock.html is the developer's panel; gallery.html is for development only and stays out.
      input: readdirSync(root)
        .filter((name) => name === "index.html" || name === "dock.html")
        .map((name) => resolve(root, name)),
    },
  },
  server: {
    host: "127.0.0.1",
    port: 5173,
    // The language files and the catalogue lie beside the Go code that embeds them.
    fs: { allow: [".."] },
    proxy: {
      "/ws": { target: "ws://127.0.0.1:8080", ws: true, changeOrigin: true },
      "/brand": { target: "http://127.0.0.1:8080", changeOrigin: true },
      "/dock/api": { target: "http://127.0.0.1:8080", changeOrigin: true },
    },
  },
});
