import "@fontsource-variable/figtree/wght.css";
import "./styles/index.css";
import { createRoot } from "react-dom/client";
import { App } from "./app/app";
import { StartFailed } from "./app/start-failed";
import { setClockAhead } from "./lib/clock";
import { loadConfig } from "./lib/config";
import { startLanguage } from "./lib/i18n";
import { connect } from "./lib/supabase";

async function start(): Promise<void> {
  const root = createRoot(document.getElementById("root") as HTMLElement);
  await startLanguage();
  try {
    const { config, clockAhead } = await loadConfig();
    setClockAhead(clockAhead);
    connect(config);
  } catch (error) {
    root.render(<StartFailed error={error} />);
    return;
  }
  root.render(<App />);
}

void start();
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  // After the first page has all it needs.
  addEventListener(
    "load",
    () => void navigator.serviceWorker.register("/sw.js"),
  );
}
