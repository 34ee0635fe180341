// What pages do better with a script: every one works without it. Nothing here
// makes markup out of text: a live part is taken from the page as the browser
// parses it for a request of its own (responseType document), in which no script
// runs and no handler is set.
"use strict";

const quiet = { "Firsthand-Quiet": "1" };

// Buttons that copy the text they were given.
document.addEventListener("click", async (e) => {
  const b = e.target.closest("[data-copy]");
  if (!b) return;
  try {
    await navigator.clipboard.writeText(b.dataset.copy);
  } catch {
    const t = document.createElement("textarea");
    t.value = b.dataset.copy;
    document.body.append(t);
    t.select();
    document.execCommand("copy");
    t.remove();
    b.focus();
  }
  b.classList.add("copied");
  setTimeout(() => b.classList.remove("copied"), 2000);
});
document.addEventListener("click", (e) => {
  if (e.target.closest("[data-print]")) window.print();
});
for (const b of document.querySelectorAll("[data-copy], [data-print], [data-drop-hint]")) b.hidden = false;

// A browser can be taught where the links on companies' pages lead. It asks her.
for (const part of document.querySelectorAll("[data-handler]")) {
  if (!window.isSecureContext || !navigator.registerProtocolHandler) continue;
  part.hidden = false;
  part.querySelector("button").addEventListener("click", () => navigator.registerProtocolHandler(part.dataset.handler, location.origin + "/meet?company=%s"));
}

// A live part is fetched anew every few seconds, and replaced if it differs, until
// the page that comes says that there is nothing more to come.
function live(part) {
  const seconds = Number(part.dataset.live) || 2;
  const again = () => setTimeout(ask, document.hidden ? 10000 : seconds * 1000);
  const ask = () => {
    if (part.dataset.liveIdle !== undefined && !document.querySelector("[data-drop].sending")) return again();
    const x = new XMLHttpRequest();
    x.open("GET", location.href);
    x.responseType = "document";
    for (const [k, v] of Object.entries(quiet)) x.setRequestHeader(k, v);
    x.onloadend = () => {
      const next = x.status === 200 && x.response && x.response.getElementById(part.id);
      if (!next) return again();
      if (next.outerHTML !== part.outerHTML) {
        const focused = part.contains(document.activeElement) && document.activeElement;
        const fresh = document.importNode(next, true);
        if (focused) {
          const same = [...fresh.querySelectorAll("a, button")].find((n) => n.textContent === focused.textContent && (n.href || n.value) === (focused.href || focused.value));
          part.replaceWith(fresh);
          same?.focus();
        } else {
          part.replaceWith(fresh);
        }
        part = fresh;
      }
      if (part.dataset.live) again();
    };
    x.send();
  };
  again();
}
for (const part of document.querySelectorAll("[data-live]")) live(part);

// A file can be dropped, and its way is shown.
const drop = document.querySelector("[data-drop]");
if (drop) {
  const input = drop.querySelector("input[type=file]");
  const over = (on) => (e) => {
    e.preventDefault();
    drop.classList.toggle("over", on);
  };
  drop.addEventListener("dragover", over(true));
  drop.addEventListener("dragleave", over(false));
  drop.addEventListener("drop", (e) => {
    over(false)(e);
    if (!e.dataTransfer.files.length) return;
    input.files = e.dataTransfer.files;
    drop.requestSubmit();
  });
  input.addEventListener("change", () => input.files.length && drop.requestSubmit());
  drop.addEventListener("submit", (e) => {
    if (!input.files.length || drop.classList.contains("sending")) return;
    e.preventDefault();
    drop.classList.add("sending");
    const progress = drop.querySelector("[data-progress]");
    const text = drop.querySelector("[data-progress-text]");
    const bar = drop.querySelector("progress");
    progress.hidden = false;
    text.textContent = text.dataset.sending;
    const x = new XMLHttpRequest();
    x.open("POST", drop.action);
    x.responseType = "document";
    x.upload.onprogress = (p) => {
      if (!p.lengthComputable) return;
      bar.value = (100 * p.loaded) / p.total;
      if (p.loaded === p.total) text.textContent = text.dataset.reading;
    };
    x.onload = () => {
      if (x.status === 200) return location.assign(x.responseURL);
      const main = x.response && x.response.querySelector("main");
      drop.classList.remove("sending");
      if (main) document.querySelector("main").replaceWith(document.importNode(main, true));
    };
    x.onerror = () => {
      drop.classList.remove("sending");
      drop.submit();
    };
    x.send(new FormData(drop));
  });
}

// A form is sent once: a second click waits for the first.
document.addEventListener("submit", (e) => {
  const f = e.target;
  if (f.method !== "post" || e.defaultPrevented) return;
  if (f.dataset.sent) return e.preventDefault();
  f.dataset.sent = "1";
  setTimeout(() => delete f.dataset.sent, 8000);
});
window.addEventListener("pageshow", () => {
  for (const f of document.forms) delete f.dataset.sent;
});
