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
      page(
        "/c/:slug/together",
        withWords(() => import("@/routes/book-together"), "patient"),
      ),
      page(
        "/c/:slug/group/:serviceId",
        withWords(() => import("@/routes/group-sessions"), "patient"),
      ),
      page("/visits", withWords(() => import("@/routes/visits"), "patient")),
      page(
        "/visits/:visitId",
        withWords(() => import("@/routes/visit"), "patient"),
      ),
      page("/visits/:visitId/move", () => import("@/routes/move-visit")),
      {
        ...page(
          "/account",
          withWords(() => import("@/routes/account/layout"), "patient"),
        ),
        children: [
          page("", () => import("@/routes/account/records")),
          page("family", () => import("@/routes/account/family")),
          page("messages", () => import("@/routes/account/messages")),
          page("calendar", () => import("@/routes/account/calendar")),
          page("privacy", () => import("@/routes/account/privacy")),
          page("*", () => import("@/routes/not-found")),
        ],
      },
      page("/sign-in", () => import("@/routes/sign-in")),
      page("/confirm", () => import("@/routes/mailed-link")),
      page(
        "/staff",
        withWords(() => import("@/routes/staff/index"), "workplace"),
      ),
      page(
        "/staff/welcome",
        withWords(() => import("@/routes/staff/welcome"), "workplace", "manage"),
      ),
      {
        ...page(
          "/staff/:clinicId",
          withWords(() => import("@/routes/staff/layout"), "workplace"),
        ),
        children: [
          page("", () => import("@/routes/staff/index")),
          page("day", withWords(() => import("@/routes/staff/day"), "desk")),
          page("waiting", withWords(() => import("@/routes/staff/waiting"), "desk")),
          page("attention", withWords(() => import("@/routes/staff/attention"), "desk")),
          page("patients", withWords(() => import("@/routes/staff/patients"), "desk")),
          page("patients/:patientId", withWords(() => import("@/routes/staff/patient"), "desk")),
          page("week", withWords(() => import("@/routes/staff/week"), "provider", "desk")),
          page("hours", withWords(() => import("@/routes/staff/hours"), "provider")),
          page(
            "calendars",
            withWords(() => import("@/routes/staff/calendars"), "provider", "patient"),
          ),
          page("numbers", withWords(() => import("@/routes/staff/numbers"), "manage")),
          page("audit", withWords(() => import("@/routes/staff/audit"), "manage")),
          {
            ...page(
              "manage",
              withWords(() => import("@/routes/staff/manage/layout"), "manage", "provider"),
            ),
            children: [
              page("", () => import("@/routes/staff/manage/index")),
              page("services", () => import("@/routes/staff/manage/services")),
              page("services/:serviceId", () => import("@/routes/staff/manage/service")),
              page("providers", () => import("@/routes/staff/manage/providers")),
              page("places", () => import("@/routes/staff/manage/places")),
              page("closures", () => import("@/routes/staff/manage/closures")),
              page("people", () => import("@/routes/staff/manage/people")),
              page("settings", () => import("@/routes/staff/manage/settings")),
              page("import", () => import("@/routes/staff/manage/import")),
              page("*", () => import("@/routes/not-found")),
            ],
          },
          page("*", () => import("@/routes/not-found")),
        ],
      },
      page("*", () => import("@/routes/not-found")),
    ],
  },
]);
