// What the two keys sign: an answer to a request, an act on the e-CPS itself.
import { digest } from "./encode.js";

/** answerDigest is what the PIN key signs of an answer; a place comes last, and only where there is one. */
export const answerDigest = (a) =>
  digest("egide.ecps.answer.v1", a.iss, a.device, a.holder, a.service, a.name, a.number, a.asker, String(a.time), a.transaction, a.decision, a.ratchets.join(" "), a.next,
    ...(a.place ? [a.place] : []));

/** actDigest is what the PIN key signs of an act. */
export const actDigest = (a) =>
  digest("egide.ecps.act.v1", a.iss, a.device, a.holder, a.act, a.subject, String(a.time), a.ratchets.join(" "), a.next);

/** enrolmentDigest is what the new PIN key signs of an enrolment. */
export const enrolmentDigest = (e) =>
  digest("egide.ecps.enrolment.v1", e.iss, e.invitation, e.device_key, e.pin_key, String(e.rounds), e.label, String(e.time));
