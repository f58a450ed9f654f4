/** Initials on a quiet ground; decoration only, the name stands beside it. */
export function PersonMark({ name }: { name: string }) {
  const words = name.replace(/^(Dr|Prof|Mag)\.?\s+/i, "").split(/\s+/).filter(
    Boolean,
  );
  const initials = [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => word?.[0] ?? "")
    .join("");
  const tone = [...name].reduce((sum, character) => sum + character.charCodeAt(0), 0) % 4;
  return (
    <span className={`person-mark tone-${tone}`} aria-hidden>
      {initials.toUpperCase()}
    </span>
  );
}
