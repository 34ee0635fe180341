// Signing in by passkey, for which a browser offers nothing but a script. Everything
// else on the desk works without one.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function post(path, body) {
  const r = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body) });
  const answer = await r.json();
  if (!r.ok) throw new Error(answer.error);
  return answer;
}

// make has the browser make a passkey; use has it answer with one.
async function make(options) {
  const o = options.publicKey;
  o.challenge = bytes(o.challenge);
  o.user.id = bytes(o.user.id);
  for (const c of o.excludeCredentials ?? []) c.id = bytes(c.id);
  const c = await navigator.credentials.create({ publicKey: o });
  return {
    id: c.id, rawId: text(c.rawId), type: c.type, clientExtensionResults: c.getClientExtensionResults(),
    response: { clientDataJSON: text(c.response.clientDataJSON), attestationObject: text(c.response.attestationObject), transports: c.response.getTransports?.() ?? [] },
  };
}

async function use(options) {
  const o = options.publicKey;
  o.challenge = bytes(o.challenge);
  for (const c of o.allowCredentials ?? []) c.id = bytes(c.id);
  const c = await navigator.credentials.get({ publicKey: o });
  const r = c.response;
  return {
    id: c.id, rawId: text(c.rawId), type: c.type, clientExtensionResults: c.getClientExtensionResults(),
    response: { clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature), userHandle: r.userHandle && text(r.userHandle) },
  };
}

for (const b of document.querySelectorAll("[data-passkey]")) {
  const trouble = document.getElementById("passkey-trouble");
  if (!window.PublicKeyCredential) {
    trouble.textContent = trouble.dataset.none;
    trouble.hidden = false;
    continue;
  }
  b.disabled = false;
  b.addEventListener("click", async () => {
    const path = b.dataset.passkey;
    trouble.hidden = true;
    b.disabled = true;
    try {
      const options = await post(path + "/begin", {});
      const answer = await (b.dataset.make === undefined ? use(options) : make(options));
      const next = await post(path + "/finish", answer);
      const form = b.dataset.then && document.getElementById(b.dataset.then);
      if (form) form.requestSubmit();
      else location.assign(next.to);
    } catch (e) {
      trouble.textContent = e.name === "NotAllowedError" ? trouble.dataset.cancelled : e.message || trouble.dataset.failed;
      trouble.hidden = false;
      b.disabled = false;
    }
  });
}
