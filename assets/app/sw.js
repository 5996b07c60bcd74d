// Keeps the app for a phone without a network, and shows that something waits.
// The API is never kept: what it says is true for a moment only.
const version = "{{version}}";
const shell = [/* shell */];

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
  // The page itself: fresh when there is a network, kept when there is none.
  if (url.pathname === "/") {
    e.respondWith(fetch(e.request).catch(() => caches.match("/")));
    return;
  }
  e.respondWith(caches.match(e.request).then((kept) => kept ?? fetch(e.request)));
});

self.addEventListener("push", (e) => {
  const fr = (self.navigator.language ?? "fr").startsWith("fr");
  e.waitUntil(self.registration.showNotification("e-CPS", {
    body: fr ? "Une demande vous attend. Ouvrez l'application." : "A request is waiting. Open the app.",
    tag: "request", renotify: true, icon: "/app/" + version + "/icon-192.png",
  }));
});

self.addEventListener("notificationclick", (e) => {
  e.notification.close();
  e.waitUntil(self.clients.matchAll({ type: "window", includeUncontrolled: true })
    .then((all) => (all.length ? all[0].focus() : self.clients.openWindow("/"))));
});
