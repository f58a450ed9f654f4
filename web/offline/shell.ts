import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OutputBundle } from "rolldown";
import type { Plugin } from "vite";

const WORKER = new URL("service-worker.js", import.meta.url);
// Staff work where there is a connection, and their pages are the larger part.
const NOT_KEPT = /\/routes\/staff\/|\/languages\/(workplace|desk|manage|provider)\//;

/** Writes `sw.js`, which keeps the patients' part of the build on the device. */
export function offlineShell(): Plugin {
  return {
    name: "offline-shell",
    apply: "build",
    // When all is written: files that held styles alone are gone by then.
    writeBundle({ dir = "dist" }, bundle) {
      const files = [
        "/",
        "/theme.js",
        "/favicon.svg",
        ...keptFiles(bundle).map((name) => `/${name}`),
      ];
      writeFileSync(
        join(dir, "sw.js"),
        `const FILES = ${JSON.stringify(files)};\n${readFileSync(WORKER, "utf8")}`,
      );
    },
  };
}

/** What the first page needs and whatever can follow it, by way of imports. */
function keptFiles(bundle: OutputBundle): string[] {
  const kept = new Set<string>();
  const follow = (name: string) => {
    const chunk = bundle[name];
    if (kept.has(name) || chunk?.type !== "chunk") return;
    if (NOT_KEPT.test(chunk.facadeModuleId ?? "")) return;
    kept.add(name);
    const styles = (chunk as { viteMetadata?: { importedCss: Set<string> } }).viteMetadata;
    for (const style of styles?.importedCss ?? []) kept.add(style);
    for (const next of [...chunk.imports, ...chunk.dynamicImports]) {
      follow(next);
    }
  };
  for (const [name, file] of Object.entries(bundle)) {
    if (file.type === "chunk" && file.isEntry) follow(name);
    if (file.type === "asset" && /latin-wght.*\.woff2$/.test(name)) {
      kept.add(name);
    }
  }
  return [...kept].sort();
}
