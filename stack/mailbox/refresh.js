// Keeps the list current: replaces it only when it differs, and keeps the keyboard's place.
const list = () => document.querySelector("main");
async function refresh() {
  if (!document.hidden) {
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = fresh.querySelector("main");
      if (main.innerHTML !== list().innerHTML) {
        const focused = document.activeElement?.getAttribute("href");
        list().replaceWith(main);
        if (focused) main.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
      }
    }
  }
  setTimeout(refresh, 1500);
}
setTimeout(refresh, 1500);
