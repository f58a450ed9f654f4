import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { offlineShell } from "./offline/shell.ts";

// While developing, which stack to use is asked of the one that `make up` serves.
const stackAddress = process.env.APPOINT_SITE_URL ?? "http://127.0.0.1:5173";

export default defineConfig({
  plugins: [react(), offlineShell()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  server: {
    host: "127.0.0.1",
    port: 5174,
    proxy: { "/config.json": stackAddress },
  },
  build: { target: "es2022", sourcemap: false, reportCompressedSize: false },
});
