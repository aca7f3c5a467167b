// Keeps the terminal's page and what it is made of, so that a reload without network still shows the terminal and its queue.
// Online nothing is taken from here: a page of yesterday never hides one of today.
"use strict";
const SHELF = "factomes-terminal";
const KEPT_AT = "X-Kept-At"; // the tablet's time when the answer came (ms)
const PATIENCE_MS = 8000; // a network that answers nothing for so long is away

const placeOf = (url) => new URL(url, location.href).pathname;
const isTerminal = (url) => /^\/terminals\/[^/]+\/$/.test(placeOf(url)) && new URL(url, location.href).search === "";

async function keep(url, answer) {
  if (!answer.ok || answer.redirected) return;
  const headers = new Headers(answer.headers);
  headers.set(KEPT_AT, String(Date.now()));
  const copy = new Response(await answer.blob(), { status: answer.status, headers });
  await (await caches.open(SHELF)).put(placeOf(url), copy);
}

// A kept page has the server's time of then: it is moved on by what the tablet's clock says has passed since.
async function aged(kept) {
  if (!(kept.headers.get("Content-Type") || "").startsWith("text/html")) return kept;
  const passed = Math.max(0, Date.now() - Number(kept.headers.get(KEPT_AT)));
  const text = await kept.text();
  const moved = text.replace(/data-now="(\d+)"/, (_, then) => `data-now="${Number(then) + passed}" data-kept="${then}"`);
  return new Response(moved, { status: kept.status, headers: kept.headers });
}

async function answered(request) {
  const asked = fetch(request);
  const shelf = await caches.open(SHELF);
  // Without network a scan, too, gets the terminal of its station.
  const place = request.mode === "navigate" ? placeOf(request.url).replace(/[^/]*$/, "") : placeOf(request.url);
  const kept = await shelf.match(place);
  try {
    const late = new Promise((_, refuse) => { if (kept) setTimeout(() => refuse(new Error("no answer")), PATIENCE_MS); });
    const answer = await Promise.race([asked, late]);
    if (request.mode === "navigate" ? isTerminal(request.url) : kept) keep(request.url, answer.clone()).catch(() => {});
    return answer;
  } catch (error) {
    if (!kept) throw error;
    return aged(kept);
  }
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("message", (event) => {
  // Asked as a page asks by itself: what the next page is to say is for the person's next page, not for this copy.
  const fetched = event.data.keep.map(async (url) => keep(url, await fetch(url, { headers: { "HX-Request": "true" } })));
  event.waitUntil(Promise.allSettled(fetched));
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const isOurs = request.method === "GET" && new URL(request.url).origin === location.origin;
  if (isOurs && !request.headers.has("HX-Request")) event.respondWith(answered(request));
});
