package browser

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// The vectors of the provider's own tests, in the browser that holds the keys:
// PIN keys, digests, signatures, masks and offline codes.
func TestVectorsInTheBrowser(t *testing.T) {
	s := handset(t)
	var files []string
	for _, name := range []string{"vectors", "vectors-life"} {
		b, err := os.ReadFile("../../internal/means/ecps/testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, string(b))
	}
	arguments, err := json.Marshal(files)
	if err != nil {
		t.Fatal(err)
	}
	wrong := ask(s, chromedp.Evaluate[string](`(async ([main, life]) => {
		const base = document.querySelector("script").src.replace("main.js", "");
		const { hex, canonical } = await import(base + "encode.js");
		const { pinKey, mask, offlineCode } = await import(base + "pin.js");
		const { answerDigest, actDigest } = await import(base + "statement.js");
		const unhex = (s) => Uint8Array.from(s.match(/../g), (x) => parseInt(x, 16));
		const wrong = [];
		const want = (what, got, expected) => { if (got !== expected) wrong.push(what + ": " + got); };
		for (const v of main.pin) want("pin", (await pinKey(v.pin, unhex(v.secret), v.rounds)).public, v.public);
		for (const v of main.digest) {
			const k = main.pin[v.pin], d = await answerDigest(v.answer);
			want("digest", hex(d), v.digest);
			want("signature", await (await pinKey(k.pin, unhex(k.secret), k.rounds)).sign(d), v.signature);
		}
		for (const v of life.acts) {
			want("act", hex(await actDigest(v.act)), v.digest);
			want("payload", canonical({ ...v.act, pin: v.signature }), v.payload);
		}
		for (const v of life.offline) {
			const m = await mask(unhex(v.seed), v.pin, unhex(v.secret), v.rounds);
			want("mask", hex(m), v.masked);
			want("code", await offlineCode(unhex(v.seed), v.at), v.code);
		}
		return wrong.join("\\n");
	})(`+string(arguments)+`.map(JSON.parse))`, chromedp.EvalAwaitPromise))
	if wrong != "" {
		t.Error(wrong)
	}
}

// What the browser keeps can be used and not read out.
func TestKeysCannotBeReadOut(t *testing.T) {
	s := handset(t)
	s.activate(someone{"3990000119/RH0007", "alix.gestion@exemple.invalid", "+33639980004"}, false)
	got := ask(s, chromedp.Evaluate[string](`new Promise((done) => {
		const r = indexedDB.open("egide-ecps", 1);
		r.onsuccess = () => {
			const q = r.result.transaction("phone").objectStore("phone").get("phone");
			q.onsuccess = async () => {
				const p = q.result, tries = [];
				for (const [key, format] of [[p.key.privateKey, "pkcs8"], [p.key.privateKey, "jwk"], [p.secret.key, "raw"]]) {
					tries.push(await crypto.subtle.exportKey(format, key).then(() => "read", (e) => e.name));
				}
				done(tries.join(" ") + " " + Object.keys(p).sort().join(","));
			};
		};
	})`, chromedp.EvalAwaitPromise))
	const want = "InvalidAccessError InvalidAccessError InvalidAccessError device,expires,holder,iss,key,masked,ratchets,rounds,secret,v"
	if got != want {
		t.Errorf("the phone keeps %s", got)
	}
}
