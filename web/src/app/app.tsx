import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "react-router";
import { keyOf } from "@/lib/errors";
import { SessionProvider } from "@/lib/session";
import { router } from "./router";
import { StartFailed } from "./start-failed";

// A refusal is an answer; only what may pass by itself is asked again.
const PASSING = new Set(["connection_lost", "unavailable", "unexpected"]);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      networkMode: "always",
      retry: (failures, error) => failures < 2 && PASSING.has(keyOf(error)),
      retryDelay: (failures) => 400 * 2 ** failures,
    },
    mutations: { networkMode: "always" },
  },
});

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <SessionProvider failed={(error) => <StartFailed error={error} />}>
        <RouterProvider router={router} />
      </SessionProvider>
    </QueryClientProvider>
  );
}
