// Notifications: asked for from a button only. The push itself says nothing; the
// app fetches what waits.
import { b64, unb64 } from "./encode.js";
import { post } from "./phone.js";

export const supported = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
export const permission = () => (supported() ? Notification.permission : "unsupported");

/** subscribed tells whether this browser has a subscription. */
export async function subscribed() {
  if (!supported()) return false;
  const worker = await navigator.serviceWorker.getRegistration();
  return Boolean(await worker?.pushManager.getSubscription());
}

/** subscribe asks the person, then the browser, then tells the provider. */
export async function subscribe(vapid) {
  if (!supported() || !vapid) return "unsupported";
  if (await Notification.requestPermission() !== "granted") return Notification.permission;
  const worker = await navigator.serviceWorker.ready;
  const s = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: unb64(vapid) });
  await post("/push", { endpoint: s.endpoint, p256dh: b64(s.getKey("p256dh")), auth: b64(s.getKey("auth")) });
  return "granted";
}
