/** Hands content to the person as a file of that name. */
export function saveFile(name: string, content: Blob): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has to get hold of it first.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
