// Follows the request by itself: a long poll for its state, a written
// countdown that is announced once near its end and not each second.
const page = document.querySelector("main[data-state-url]");
const clock = document.getElementById("remaining");
const progress = document.getElementById("progress");
const started = performance.now();
const total = Number(page.dataset.remaining);
const warnAt = 30;
const lateAt = 100;
let late = total <= lateAt;
let warned = total <= warnAt;
let leaving = false;

window.addEventListener("pagehide", () => { leaving = true; });
// A button was pressed: its answer decides where to go, not the poll.
document.addEventListener("submit", () => { leaving = true; });

function show() {
  const left = Math.max(0, Math.round(total - (performance.now() - started) / 1000));
  const minutes = Math.floor(left / 60);
  const seconds = left % 60;
  clock.textContent = (minutes ? minutes + "\u00a0" + clock.dataset.min + " " : "") + seconds + "\u00a0" + clock.dataset.sec;
  if (page.dataset.delivery === "sent" && left <= lateAt && !late) {
    late = true;
    deliver("late");
    page.dataset.delivery = "sent";
  }
  if (!warned && left <= warnAt) {
    warned = true;
    progress.textContent = progress.dataset.soon;
  }
}

function deliver(delivery) {
  page.dataset.delivery = delivery;
  const text = document.querySelector(`[data-delivery-text="${CSS.escape(delivery)}"]`);
  if (text && progress) progress.textContent = text.textContent;
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

async function follow() {
  let failures = 0;
  // Approved and being finished elsewhere: there is nothing to wait for here.
  if (page.dataset.state !== "open") {
    await pause(1000);
    location.replace(page.dataset.self);
    return;
  }
  while (!leaving) {
    const url = new URL(page.dataset.stateUrl, location.href);
    url.searchParams.set("state", page.dataset.state);
    url.searchParams.set("delivery", page.dataset.delivery);
    try {
      const answer = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin", cache: "no-store" });
      if (leaving) return;
      if (answer.status >= 400 && answer.status < 500) {
        // The login is over or no longer ours: its page says which.
        leaving = true;
        location.replace(page.dataset.self);
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const now = await answer.json();
      if (leaving) return;
      failures = 0;
      if (now.state !== page.dataset.state) {
        leaving = true;
        location.replace(page.dataset.self);
        return;
      }
      if (now.delivery !== page.dataset.delivery) deliver(now.delivery);
    } catch {
      // The network of a hospital drops: keep on, a little slower each time.
      failures = Math.min(failures + 1, 5);
      await pause(1000 * failures);
    }
  }
}

// Back from the browser's memory: the state may have moved on.
window.addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });

if (clock) {
  show();
  setInterval(show, 1000);
}
follow();
