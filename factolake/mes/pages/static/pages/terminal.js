// Keeps what an operator enters while the network is away, and sends it once, in order, when it is back.
// Each entry has its own key, so that one whose answer was lost is not booked twice; it is sent only as the person who made it.
"use strict";
(() => {
  const SHELF = "factomes-entries";
  const root = document.getElementById("terminal");
  const box = document.getElementById("queue");
  const person = root.dataset.person;
  // The server's time of the page plus the time since it was here: never ahead of the server, whatever the tablet's clock says or is set to, and
  // however long the page was on its way.
  const pageMs = Number(root.dataset.now) - performance.now();
  const serverNow = () => new Date(pageMs + performance.now()).toISOString();
  const RETRY_MS = 5000;
  const away = document.getElementById("away");
  let isSending = false;

  const load = () => JSON.parse(localStorage.getItem(SHELF) || "[]");
  const store = (entries) => { localStorage.setItem(SHELF, JSON.stringify(entries)); show(); };
  const mine = () => load().filter((held) => !held.refused && held.person === person);
  const replace = (entry) => store(load().map((held) => (held.key === entry.key ? entry : held)));
  const drop = (key) => store(load().filter((held) => held.key !== key));
  const isTyped = () => [...root.querySelectorAll("input:not([type=hidden])")].some((field) => field.value !== field.defaultValue);
  const csrf = () => (document.cookie.split("; ").find((part) => part.startsWith("__Host-factomes-csrf=")) || "=").split("=").slice(1).join("=");

  function show() {
    const entries = load();
    box.hidden = entries.length === 0;
    box.replaceChildren();
    if (!entries.length) return;
    const waiting = entries.filter((entry) => !entry.refused);
    const head = document.createElement("div");
    head.textContent = waiting.length ? `${waiting.length} waiting to be sent; keep working.` : "Some entries were refused.";
    const list = document.createElement("ul");
    for (const entry of entries) {
      const item = document.createElement("li");
      const others = entry.person === person ? "" : ` (made by ${entry.person}, who has to sign on)`;
      item.textContent = `${entry.what}${others}${entry.refused ? ": " + entry.refused : ""} `;
      if (entry.refused && entry.person === person) {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "Dismiss";
        button.addEventListener("click", () => drop(entry.key));
        item.append(button);
      }
      list.append(item);
    }
    box.append(head, list);
  }

  // "done", "away" (try again), or the sentence of a refusal.
  async function send(entry) {
    try {
      const answer = await fetch(entry.url, {
        method: "POST", body: new URLSearchParams(entry.body), redirect: "manual", signal: AbortSignal.timeout(15000),
        headers: { "X-Terminal": "1", "X-CSRFToken": csrf() },
      });
      if (answer.ok) return "done";
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status >= 500 || answer.status === 429) return "away";
      const isPlain = (answer.headers.get("Content-Type") || "").startsWith("text/plain");
      return isPlain ? await answer.text() : "away";
    } catch {
      return "away";
    }
  }

  async function sendWaiting() {
    if (isSending) return;
    isSending = true;
    let sent = 0;
    for (const entry of mine()) {
      const answer = await send(entry);
      if (answer === "away") break; // the rest waits behind it: entries are sent in order
      if (answer === "done") { drop(entry.key); sent += 1; } else replace({ ...entry, refused: answer });
    }
    isSending = false;
    if (sent && !mine().length && !isTyped()) location.assign(root.dataset.home);
  }

  async function submitted(event) {
    const form = event.target;
    if (!form.dataset.queue) return;
    event.preventDefault();
    const data = new FormData(form, event.submitter);
    data.delete("csrfmiddlewaretoken");
    const amount = ["good", "scrap"].filter((name) => data.get(name)).map((name) => data.get(name)).join();
    const key = crypto.randomUUID();
    data.set("once", key);
    if (form.hasAttribute("data-moment")) data.set("at_ts", serverNow()); // the first try has it too: one key, one content
    const body = [...data.entries()].map(([name, value]) => [name, String(value)]);
    const entry = { key, url: form.action, what: `${amount} ${form.dataset.queue}`.trim(), person, body };
    const buttons = [...root.querySelectorAll("form[data-queue] button")];
    buttons.forEach((button) => { button.disabled = true; });
    store([...load(), entry]);
    const isFirst = mine().length === 1;
    const answer = isFirst ? await send(entry) : "away";
    if (answer === "away") {
      form.reset();
    } else if (answer === "done") {
      drop(entry.key);
      location.assign(root.dataset.home);
      return;
    } else {
      replace({ ...entry, refused: answer });
    }
    buttons.forEach((button) => { button.disabled = false; });
  }

  // Has the worker keep this page and what it is made of; browsers have one only over https or on this machine.
  async function keepTerminal() {
    if (!navigator.serviceWorker || "kept" in root.dataset) return;
    const parts = [...document.querySelectorAll("script[src], link[href]")].map((each) => each.src || each.href);
    await navigator.serviceWorker.register(root.dataset.worker);
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage({ keep: [root.dataset.home, ...parts] });
  }

  function tellNetwork() {
    away.hidden = navigator.onLine && !("kept" in root.dataset);
  }

  // A kept page leaves for the server's as soon as that answers, unless it would take away what somebody types.
  async function comeBack() {
    if (isTyped()) return;
    const answer = await fetch(root.dataset.home, { headers: { "HX-Request": "true" }, signal: AbortSignal.timeout(RETRY_MS) }).catch(() => null);
    if (answer?.ok && !isTyped()) location.assign(root.dataset.home);
  }

  function retry() {
    if (mine().length) sendWaiting();
    else if ("kept" in root.dataset) comeBack();
  }

  document.addEventListener("submit", submitted);
  window.addEventListener("offline", tellNetwork);
  window.addEventListener("online", () => { tellNetwork(); retry(); });
  setInterval(retry, RETRY_MS);
  if ("kept" in root.dataset) document.querySelector("[data-said]")?.remove(); // said of an entry before the network went away
  show();
  tellNetwork();
  sendWaiting();
  keepTerminal().catch(() => {}); // without it the terminal works as long as it is not reloaded
})();
