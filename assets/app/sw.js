// Keeps the app for a phone without a network, and shows that something waits.
// The API is never kept: what it says is true for a moment only.
const version = "{{version}}";
const shell = [/* shell */];
const patience = 3000; // milliseconds for a fresh page, when one is kept

self.addEventListener("install", (e) => {
  e.waitUntil(caches.open(version).then((c) => c.addAll(shell)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (e) => {
  e.waitUntil(caches.keys()
    .then((all) => Promise.all(all.filter((k) => k !== version).map((k) => caches.delete(k))))
    .then(() => self.clients.claim()));
});

self.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/ecps/")) return;
  if (url.pathname === "/") {
    e.respondWith(page());
    return;
  }
  e.respondWith(caches.match(e.request).then((kept) => kept ?? fetch(e.request)));
});

/**
 * page is fresh when there is a network, and the kept one when there is none: also
 * when a network answers late or by somebody else's error, for the offline code is
 * needed just there.
 */
async function page() {
  const kept = await caches.match("/");
  try {
    const fresh = await fetch("/", { signal: kept && AbortSignal.timeout(patience) });
    return fresh.ok || !kept ? fresh : kept;
  } catch (e) {
    if (kept) return kept;
    throw e;
  }
}

function kind(data) {
  try { return data?.json().k; } catch { return ""; }
}

self.addEventListener("push", (e) => {
  const fr = (self.navigator.language ?? "fr").startsWith("fr");
  const news = kind(e.data) === "news"; // all else is taken for a request: that one does not wait
  e.waitUntil(self.registration.showNotification("e-CPS", {
    body: news ? (fr ? "Du nouveau pour votre e-CPS. Ouvrez l'application." : "News about your e-CPS. Open the app.")
      : (fr ? "Une demande vous attend. Ouvrez l'application." : "A request is waiting. Open the app."),
    tag: news ? "news" : "request", renotify: true, icon: "/app/" + version + "/icon-192.png",
  }));
});

self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  e.waitUntil(self.clients.matchAll({ type: "window", includeUncontrolled: true })
    .then((all) => (all.length ? all[0].focus() : self.clients.openWindow("/"))));
});
