// Follows the holder's requests: a stream of events where the network lets it
// through, else long polls. A stream that says nothing for 45 s is dead.
import { b64, sha256, utf8 } from "./encode.js";
import { Refusal, send, setClock } from "./call.js";
import { load } from "./phone.js";

const quiet = 45000;
const pause = (ms, signal) => new Promise((done) => {
  const t = setTimeout(done, ms);
  signal.addEventListener("abort", () => { clearTimeout(t); done(); }, { once: true });
});

/** follow calls tell with each list, and told with what goes wrong, until signal aborts. */
export async function follow(signal, tell, trouble) {
  let broken = 0, wait = 300;
  while (!signal.aborted) {
    try {
      const phone = await load();
      if (!phone) return;
      if (broken < 2) await stream(phone, signal, (list) => { broken = 0; wait = 300; tell(list); });
      else await polls(phone, signal, (list) => { wait = 300; tell(list); });
      broken = broken < 2 ? broken + 1 : 0;
    } catch (e) {
      if (signal.aborted) return;
      if (e instanceof Refusal && e.code === "PF-EC-031") setClock(e.problem.time);
      else if (e instanceof Refusal && e.code === "PF-EC-030") { trouble(e); return; }
      else { broken++; trouble(e); }
      await pause(wait, signal);
      wait = Math.min(wait * 2, 15000);
    }
  }
}

async function stream(phone, outer, tell) {
  const inner = new AbortController();
  const stop = () => inner.abort();
  outer.addEventListener("abort", stop, { once: true });
  let watchdog = setTimeout(stop, quiet);
  try {
    const res = await send(phone, "GET", "/events", undefined, { signal: inner.signal });
    const reader = res.body.pipeThrough(new TextDecoderStream()).getReader();
    let kept = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(stop, quiet);
      const lines = (kept + value).split("\n");
      kept = lines.pop();
      if (kept.length > 65536) throw new Error("an event without end");
      for (const line of lines) if (line.startsWith("data: ")) tell(JSON.parse(line.slice(6)));
    }
  } finally {
    clearTimeout(watchdog);
    outer.removeEventListener("abort", stop);
  }
}

async function polls(phone, signal, tell) {
  let seen = "";
  for (let i = 0; i < 20 && !signal.aborted; i++) {
    const res = await send(phone, "GET", `/requests?wait=25&seen=${seen}`, undefined, { signal: AbortSignal.any([signal, AbortSignal.timeout(40000)]) });
    const body = await res.text();
    seen = b64(await sha256(utf8(body)));
    tell(JSON.parse(body));
  }
}
