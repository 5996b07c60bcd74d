// The identifier field tells early what it understands; the server decides.
const field = document.getElementById("login");
const help = document.getElementById("login-help");
const form = document.getElementById("login-ecps");

if (field && help) {
  const tell = () => {
    const typed = field.value.replace(/[\s.\u00a0\u202f-]/g, "");
    let text = "";
    if (/^\d{11}$/.test(typed) && !typed.startsWith("0")) text = help.dataset.eleven;
    if (/^8\d{11}$/.test(typed)) text = help.dataset.ok;
    if (help.textContent !== text) help.textContent = text;
  };
  field.addEventListener("input", tell);
  tell();
}

// The means used last in this browser comes first and has the focus. That word is
// all that is kept; it says nothing of who used it.
function usedCardLast() {
  try { return localStorage.getItem("means") === "card"; } catch { return false; }
}
const card = document.getElementById("submit-card");
if (card && usedCardLast()) {
  const section = document.getElementById("mean-card");
  section.parentElement.prepend(section);
  card.focus();
}

// An error gets the focus, so that it is read first.
document.getElementById("alert")?.focus();
if (field?.getAttribute("aria-invalid") === "true") field.focus();

// A second press while the first is on its way asks nothing twice. A page that
// comes back from the browser's memory may be sent again.
if (form) {
  form.addEventListener("submit", (e) => {
    if (form.dataset.sent) e.preventDefault();
    form.dataset.sent = "1";
    try { localStorage.setItem("means", "ecps"); } catch { /* not kept: nothing is lost */ }
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}
