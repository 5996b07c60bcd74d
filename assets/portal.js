// Follows a ticket: a written countdown, and a long poll that goes on by itself.
const page = document.querySelector("main[data-ticket]");
const clock = document.getElementById("remaining");
let leaving = false;
window.addEventListener("pagehide", () => { leaving = true; });
document.addEventListener("submit", () => { leaving = true; });

if (clock) {
  const end = performance.now() + Number(page.dataset.left) * 1000;
  setInterval(() => { clock.textContent = Math.max(0, Math.round((end - performance.now()) / 1000)) + "\u00a0s"; }, 1000);
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function follow() {
  let failures = 0;
  while (!leaving) {
    try {
      const url = "/mon-e-cps/telephone/state?" + new URLSearchParams({ ticket: page.dataset.ticket, seen: page.dataset.state });
      const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" });
      if (answer.status >= 400 && answer.status < 500) { leaving = true; location.reload(); return; } // signed out elsewhere
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      if (leaving) return;
      failures = 0;
      if (now.state !== page.dataset.state) { leaving = true; location.reload(); return; }
    } catch {
      failures = Math.min(failures + 1, 5);
      await pause(1000 * failures);
    }
  }
}

if (page?.dataset.ticket && ["shown", "enrolled"].includes(page.dataset.state)) follow();
