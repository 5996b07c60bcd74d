// Reads a QR with the camera: by the browser's own reader where it has one, else
// by ours. There is always a field for who cannot scan.
import { alert, button, el, field, form, show } from "./dom.js";
import { t } from "./texts.js";

const rhythm = 150; // milliseconds between two looks

/** reader gives a function that finds a code in a video, or null when nothing here can. */
async function reader() {
  if ("BarcodeDetector" in window && (await BarcodeDetector.getSupportedFormats().catch(() => [])).includes("qr_code")) {
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
  }
  const { decodeQR } = await import("./qr.js");
  const canvas = document.createElement("canvas");
  const picture = canvas.getContext("2d", { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, 640 / Math.max(video.videoWidth, video.videoHeight, 1));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    if (!canvas.width || !canvas.height) return null;
    picture.drawImage(video, 0, 0, canvas.width, canvas.height);
    return decodeQR(picture.getImageData(0, 0, canvas.width, canvas.height));
  };
}

/** fragment reads what an address of the app, or a bare fragment, carries: [kind, value], or null. */
export function fragment(text) {
  const m = /(?:^|#)([itlh])=([A-Za-z0-9_-]{20,120})$/.exec(text.trim());
  return m ? [m[1], m[2]] : null;
}

/**
 * scan shows the camera until a code of one of the kinds was read or typed, and
 * gives [kind, value]; back is what the other button does.
 */
export function scan({ title, hint, kinds, back }) {
  return new Promise((done) => {
    const video = el("video", { id: "camera", playsinline: true, muted: true, "aria-label": t("Image de l'appareil photo", "Camera picture") });
    const state = el("p", { class: "hint", role: "status", id: "camera-state" }, t("Ouverture de l'appareil photo…", "Opening the camera…"));
    const take = (text) => {
      const found = fragment(text);
      if (!found || !kinds.includes(found[0])) return false;
      done(found);
      return true;
    };
    const signal = show(title, el("p", { class: "lead" }, hint), el("div", { class: "camera" }, video), state,
      el("details", {}, el("summary", { id: "no-scan" }, t("Je ne peux pas scanner", "I cannot scan")),
        form("typed-form", (f) => {
          if (!take(f.elements["typed-code"].value)) alert(t("Ce lien n'est pas celui qui est attendu ici.", "This is not the link expected here."));
        }, field("typed-code", t("Lien affiché sous le code", "Link shown below the code"), { type: "text", autocomplete: "off", autocapitalize: "off", spellcheck: "false" }),
        el("button", { id: "use-code", class: "main" }, t("Continuer", "Continue")))),
      button("back", t("Retour", "Back"), back, "quiet"));
    watch(video, state, signal, take);
  });
}

async function watch(video, state, signal, take) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
    const find = await reader();
    if (signal.aborted) return;
    video.srcObject = stream;
    await video.play();
    state.textContent = t("Placez le code dans le cadre.", "Place the code in the frame.");
    while (!signal.aborted) {
      const text = await find(video).catch(() => null);
      if (text && !signal.aborted) {
        if (take(text)) return;
        state.textContent = t("Ce code n'est pas celui qui est attendu ici.", "This is not the code expected here.");
      }
      await new Promise((r) => setTimeout(r, rhythm));
    }
  } catch {
    if (!signal.aborted) state.textContent = t("Pas d'appareil photo ici : utilisez le lien affiché sous le code.", "No camera here: use the link shown below the code.");
  } finally {
    stream?.getTracks().forEach((track) => track.stop());
  }
}
