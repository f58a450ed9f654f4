// Keeps the page itself on the device, so that without a connection there is a page that says so
// instead of the browser's own. Files of the build alone: never data, never what somebody typed.
// FILES is put in front of this by offline/shell.ts.
/* global FILES */
const CACHE = "appoint-shell";
// After this long, on a slow network, the page on the device is shown; its data may still come.
const PATIENCE = 4000;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOldFiles().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") event.respondWith(page(request));
  else if (pathname.startsWith("/assets/")) {
    event.respondWith(hashedFile(request));
  } else if (FILES.includes(pathname)) event.respondWith(newestFile(request));
});

async function forgetOldFiles() {
  const cache = await caches.open(CACHE);
  const requests = await cache.keys();
  await Promise.all(
    requests
      .filter(({ url }) => !FILES.includes(new URL(url).pathname))
      .map((request) => cache.delete(request)),
  );
}

// The server's page where it can be had soon; every address is the same page.
async function page(request) {
  const kept = await caches.match("/");
  const asked = fetch(request);
  if (!kept) return asked;
  const later = new Promise((resolve) => setTimeout(resolve, PATIENCE, kept));
  return Promise.race([asked, later]).catch(() => kept);
}

// Named by what is in them, so they never change.
async function hashedFile(request) {
  return await caches.match(request) ?? fetch(request);
}

function newestFile(request) {
  return fetch(request).catch(() => caches.match(request));
}
