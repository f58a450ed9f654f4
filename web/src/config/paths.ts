/** Every address of the web client in one place; routes and links both use these. */
export const paths = {
  home: "/",
  clinic: (slug: string) => `/c/${encodeURIComponent(slug)}`,
  slots: (slug: string, serviceId: string) => `${paths.clinic(slug)}/book/${serviceId}`,
  confirm: (
    slug: string,
    serviceId: string,
    slot: { at: string; provider?: string | null; place?: string | null },
  ) => {
    const search = new URLSearchParams({ at: slot.at });
    if (slot.provider) search.set("provider", slot.provider);
    if (slot.place) search.set("place", slot.place);
    return `${paths.slots(slug, serviceId)}/confirm?${search}`;
  },
  wait: (slug: string, serviceId: string) => `${paths.clinic(slug)}/wait/${serviceId}`,
  visits: "/visits",
  visit: (id: string) => `/visits/${id}`,
  moveVisit: (id: string) => `/visits/${id}/move`,
  account: "/account",
  accountPage: (
    name: "records" | "family" | "messages" | "calendar" | "privacy",
  ) => name === "records" ? paths.account : `${paths.account}/${name}`,
  together: (slug: string) => `${paths.clinic(slug)}/together`,
  group: (slug: string, serviceId: string) => `${paths.clinic(slug)}/group/${serviceId}`,
  signIn: (
    next?: string,
  ) => (next ? `/sign-in?next=${encodeURIComponent(next)}` : "/sign-in"),
  staff: (clinicId?: string, page?: string) => ["/staff", clinicId, page].filter(Boolean).join("/"),
};
