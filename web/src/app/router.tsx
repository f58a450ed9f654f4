import { createBrowserRouter } from "react-router";
import { PageLoading } from "@/components/page";
import { RootLayout } from "./root-layout";
import { RouteError } from "./route-error";

/** Every page comes in its own file, and a page that fails leaves the frame around it standing. */
const page = (path: string, load: () => Promise<{ Component: React.ComponentType }>) => ({
  path,
  lazy: load,
  ErrorBoundary: RouteError,
});

export const router = createBrowserRouter([
  {
    path: "/",
    Component: RootLayout,
    HydrateFallback: PageLoading,
    ErrorBoundary: RouteError,
    children: [
      page("/", () => import("@/routes/home")),
      page("/c/:slug", () => import("@/routes/clinic")),
      page("/c/:slug/book/:serviceId", () => import("@/routes/choose-slot")),
      page("/c/:slug/book/:serviceId/confirm", () => import("@/routes/confirm-booking")),
      page("/c/:slug/wait/:serviceId", () => import("@/routes/join-waitlist")),
      page("/visits", () => import("@/routes/visits")),
      page("/visits/:visitId", () => import("@/routes/visit")),
      page("/visits/:visitId/move", () => import("@/routes/move-visit")),
      page("/account", () => import("@/routes/account")),
      page("/sign-in", () => import("@/routes/sign-in")),
      page("*", () => import("@/routes/not-found")),
    ],
  },
]);
