// Keeps the QR fresh, and goes on once a phone has read it. The server answers
// when either happens, so that nothing here counts time.
const page = document.querySelector("main[data-scan]");
const place = document.getElementById("qr");
const news = document.getElementById("scan-news");
let leaving = false;
window.addEventListener("pagehide", () => { leaving = true; });
document.addEventListener("submit", () => { leaving = true; });
window.addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// The drawing comes from our own server; it is still read as a picture, not as
// a page, so that no script could ever come with it.
function draw(svg) {
  const read = new DOMParser().parseFromString(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" '), "image/svg+xml").documentElement;
  if (read.nodeName === "svg") place.replaceChildren(document.importNode(read, true));
}

async function follow() {
  let failures = 0;
  while (!leaving) {
    try {
      const answer = await fetch(page.dataset.stateUrl, { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" });
      if (leaving) return;
      if (answer.status >= 400 && answer.status < 500) { location.replace(page.dataset.scan); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      if (leaving) return;
      failures = 0;
      if (now.moved) {
        leaving = true;
        news.textContent = news.dataset.moved;
        location.replace(page.dataset.scan);
        return;
      }
      draw(now.qr);
    } catch {
      failures = Math.min(failures + 1, 5);
      await pause(1000 * failures);
    }
  }
}
follow();
