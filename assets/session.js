// The provider's frame in a service's page (Session Management 1.0, section 3.2):
// tells whether the session that an answer spoke of is still this browser's.
const limit = 20; // questions a second; more are a page gone wrong
let asked = 0;
setInterval(() => { asked = 0; }, 1000);

function state() {
  const found = document.cookie.match(/(?:^|; )(?:__Host-)?egide-state=([A-Za-z0-9_-]{1,64})(?:;|$)/);
  return found ? found[1] : "";
}

async function answer(text, origin) {
  const parts = typeof text === "string" && text.length <= 512 ? text.split(" ") : [];
  const [client, spoken] = parts;
  const [, salt] = (spoken ?? "").split(".");
  if (parts.length !== 2 || !client || !salt || origin === "null" || !crypto.subtle) return "error";
  const here = state();
  // A browser that keeps our cookie from frames cannot tell: asking again would loop.
  if (here === "") return "error";
  const bytes = new TextEncoder().encode([client, origin, here, salt].join(" "));
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hash = btoa(String.fromCharCode(...sum)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return hash + "." + salt === spoken ? "unchanged" : "changed";
}

addEventListener("message", async (event) => {
  if (!event.source || ++asked > limit) return;
  const said = await answer(event.data, event.origin);
  if (event.origin !== "null") event.source.postMessage(said, event.origin);
});
