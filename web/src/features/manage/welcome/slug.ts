/** A proposal for the part of the address that names a clinic: "Praxis Über-See" → praxis-uber-see. */
export function slugOf(name: string): string {
  return name
    .normalize("NFD")
    .replace(/\p{Mark}/gu, "")
    .replaceAll("ß", "ss")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 60)
    .replace(/-+$/, "");
}

/** Whether people could read it out; whether it is free, the database knows. */
export function isSlug(text: string): boolean {
  return text.length >= 3 && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text);
}
