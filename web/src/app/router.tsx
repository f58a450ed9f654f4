import type { ComponentType } from "react";
import { createBrowserRouter } from "react-router";
import { PageLoading } from "@/components/page";
import { loadWords, type Part } from "@/lib/i18n";
import { RootLayout } from "./root-layout";
import { RouteError } from "./route-error";

type Load = () => Promise<{ Component: ComponentType }>;

/** Every page comes in its own file, and a page that fails leaves the frame around it standing. */
const page = (path: string, load: Load) => ({
  path,
  lazy: () => load().catch(failedPage),
  ErrorBoundary: RouteError,
});

/** A page that says more than the common words brings them along. */
function withWords(load: Load, ...parts: Part[]): Load {
  return async () => (await Promise.all([load(), loadWords(...parts)]))[0];
}

// A route whose `lazy` rejects is drawn as nothing at all; one that throws reaches its boundary.
function failedPage(error: unknown): { Component: ComponentType } {
  return {
    Component: () => {
      throw error;
    },
  };
}

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
      page(
        "/c/:slug/book/:serviceId/confirm",
        () => import("@/routes/confirm-booking"),
      ),
      page("/c/:slug/wait/:serviceId", () => import("@/routes/join-waitlist")),
      page("/visits", () => import("@/routes/visits")),
      page("/visits/:visitId", () => import("@/routes/visit")),
      page("/visits/:visitId/move", () => import("@/routes/move-visit")),
      page("/account", () => import("@/routes/account")),
      page("/sign-in", () => import("@/routes/sign-in")),
      page("/staff", withWords(() => import("@/routes/staff/index"), "workplace")),
      {
        ...page("/staff/:clinicId", withWords(() => import("@/routes/staff/layout"), "workplace")),
        children: [
          page("", () => import("@/routes/staff/index")),
          page("day", () => import("@/routes/staff/day")),
          page("*", () => import("@/routes/not-found")),
        ],
      },
      page("*", () => import("@/routes/not-found")),
    ],
  },
]);
