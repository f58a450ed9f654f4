export type Cell = string | number | null;

// What a spreadsheet would take for a formula. Numbers are written as numbers and are never one.
const FORMULA = /^[=+\-@\t\r]/;

/**
 * Rows as a file that spreadsheets open: UTF-8 with its mark, quoted as RFC 4180 says, lines ending
 * in CRLF. A text that begins like a formula gets an apostrophe, so that it stays a text.
 */
export function csvOf(rows: readonly (readonly Cell[])[]): string {
  return `\uFEFF${rows.map((row) => `${row.map(written).join(",")}\r\n`).join("")}`;
}

function written(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
