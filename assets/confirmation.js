// Goes on by itself after the time it takes to read one's own name. Whoever
// touches the page or reaches for "not me" stays.
const page = document.querySelector("main[data-return]");
const readingTime = 1200;
let held = false;
const hold = () => { held = true; };

document.getElementById("not-me")?.addEventListener("focus", hold);
document.getElementById("not-me")?.addEventListener("pointerenter", hold);
document.addEventListener("submit", hold);
window.addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
setTimeout(() => { if (!held) location.replace(page.dataset.return); }, readingTime);
