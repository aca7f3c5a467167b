// Bars of the plan that a planner moves: with a finger, a mouse or the arrow keys. Each move is judged by the server at once; nothing is written
// before "Propose these changes". Without this script the page shows the plan as it is.
"use strict";
(() => {
  const panel = document.getElementById("moving");
  if (!panel) return;
  const STEP_S = 300, LEAP_S = 3600, NEAR_PX = 7, CLICK_PX = 4, BAR = 28, GAP = 6, ONE_STEP_MS = 1000, KEYS_MS = 200;
  const host = document.getElementById("drawing");
  const part = (name) => panel.querySelector(`[data-part=${name}]`);
  const SHELF = `factomes-moves-${panel.dataset.line}-${panel.dataset.person}`;
  const two = (text) => text.split(" ").map(Number);
  let steps = [{}], at = 0; // each step is all that is moved then: operation to {at, start, end}, seconds since 1970
  let plan = {}, rows = [], scale = null; // as the server drew it
  let verdict = null, asked = null, held = null, lastKey = { op: "", time: 0 }, keyTimer = 0;

  const moves = () => steps[at];
  const place = (op) => verdict?.placed[op] || moves()[op] || plan[op];
  const clock = new Intl.DateTimeFormat("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit", timeZone: panel.dataset.zone.replace(/^UTC(?=[+-])/, "") });
  const shown = (seconds) => clock.format(new Date(seconds * 1000)).replace(",", "");
  const csrf = () => document.querySelector("input[name=csrfmiddlewaretoken]").value;

  function keep() {
    if (Object.keys(moves()).length) sessionStorage.setItem(SHELF, JSON.stringify({ steps, at }));
    else sessionStorage.removeItem(SHELF);
  }

  // What the server drew; asked again whenever it has drawn anew.
  function take() {
    const svg = host.querySelector("svg");
    const [from, to] = two(svg.dataset.span), [left, right] = two(svg.dataset.sides);
    scale = { from, to, left, right, pxPerS: (right - left) / (to - from), svg };
    rows = [...svg.querySelectorAll("[data-row]")].map((each) => {
      const [y, height] = two(each.dataset.height);
      return { key: each.dataset.row, y, height };
    });
    plan = {};
    for (const bar of svg.querySelectorAll("[data-op]")) {
      const [start, end] = two(bar.dataset.span), y = Number(bar.querySelector("path").getAttribute("d").match(/^M\S+ (\S+?)h/)[1]);
      plan[bar.dataset.op] = { at: rows.find((row) => y >= row.y && y < row.y + row.height).key, start, end, y, bar };
      bar.setAttribute("tabindex", "0");
      bar.setAttribute("aria-describedby", "moving-help");
      bar.setAttribute("draggable", "false");
    }
    draw();
  }

  const x = (seconds) => Math.round((scale.left + (Math.min(Math.max(seconds, scale.from), scale.to) - scale.from) * scale.pxPerS) * 10) / 10;
  const path = (y, start, end) => `M${x(start)} ${y}h${Math.max(Math.round((x(end) - x(start)) * 10) / 10, 3)}v${BAR}h-${Math.max(Math.round((x(end) - x(start)) * 10) / 10, 3)}z`;

  function outline(look, d) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", "path");
    made.setAttribute("class", look);
    made.setAttribute("d", d);
    return made;
  }

  function draw() {
    for (const mark of scale.svg.querySelectorAll(".was, .edge")) mark.remove();
    for (const [op, was] of Object.entries(plan)) {
      const now = held?.op === op ? held.place : place(op);
      const isMoved = op in moves() || held?.op === op;
      const row = rows.find((each) => each.key === now.at) || rows[0];
      const y = now.at === was.at ? was.y : row.y + GAP;
      was.bar.querySelector("path").setAttribute("d", path(y, now.start, now.end));
      const name = was.bar.querySelector("text");
      name?.setAttribute("x", x(now.start));
      name?.setAttribute("y", y);
      was.bar.classList.toggle("moved", isMoved);
      was.bar.classList.toggle("wrong", isMoved && held?.op !== op && !!verdict?.wrong.includes(op));
      was.bar.classList.toggle("right", isMoved && held?.op !== op && !!verdict?.good);
      if (!isMoved) continue;
      was.bar.before(outline("was", path(was.y, was.start, was.end)));
      scale.svg.append(outline(`edge ${was.bar.classList.contains("wrong") ? "wrong" : ""}`, path(y, now.start, now.end))); // over the bars it lies on
    }
    list();
  }

  // The buttons and the list below the drawing.
  function list() {
    const ops = Object.keys(moves());
    part("undo").disabled = at === 0;
    part("redo").disabled = at === steps.length - 1;
    part("reset").disabled = part("form").hidden = ops.length === 0;
    part("propose").disabled = !(verdict?.good && !asked);
    part("list").replaceChildren(...ops.map((op) => {
      const item = document.createElement("li"), now = place(op);
      item.textContent = `${op}: ${now.at}, ${shown(now.start)} to ${shown(now.end)}`;
      return item;
    }));
    part("entries").value = verdict?.good ? JSON.stringify(verdict.entries) : "";
  }

  function tell(look, sentences) {
    const box = part("verdict");
    box.className = look ? `note ${look}` : "muted";
    box.replaceChildren(...sentences.map((text) => {
      const line = document.createElement("span");
      line.textContent = `${text} `;
      return line;
    }));
  }

  async function judge() {
    asked?.abort();
    verdict = null;
    if (!Object.keys(moves()).length) {
      asked = null;
      tell("", ["Nothing is moved."]);
      draw();
      return;
    }
    const mine = (asked = new AbortController());
    draw();
    try {
      const body = new URLSearchParams({ moves: JSON.stringify(moves()) });
      const answer = await fetch(panel.dataset.try, { method: "POST", body, signal: mine.signal, redirect: "manual", headers: { "X-CSRFToken": csrf() } });
      const isOurs = answer.ok && (answer.headers.get("Content-Type") || "").startsWith("application/json");
      if (asked !== mine) return;
      if (!isOurs) tell("bad", [answer.status === 401 || answer.type === "opaqueredirect" ? "Sign in again; your moves are kept." : "The server could not judge this; move it again, or undo it."]);
      else verdict = await answer.json();
    } catch (error) {
      if (error.name === "AbortError") return;
      tell("bad", ["The server does not answer; your moves are kept. Undo and redo to ask again."]);
    }
    if (asked !== mine) return;
    asked = null;
    if (verdict) tell(verdict.good ? "good" : "bad", verdict.told);
    draw();
  }

  function step(op, to, isKey) {
    const next = { ...moves(), [op]: to }, was = plan[op], now = Date.now();
    if (to.at === was.at && to.start === was.start) delete next[op];
    const goesOn = isKey && lastKey.op === op && now - lastKey.time < ONE_STEP_MS; // a run of arrow keys is one step to undo
    lastKey = { op: isKey ? op : "", time: now };
    at = goesOn ? at : at + 1;
    steps = [...steps.slice(0, at), next];
    verdict = null;
    keep();
    clearTimeout(keyTimer);
    draw();
    keyTimer = setTimeout(judge, isKey ? KEYS_MS : 0);
  }

  function go(to) {
    if (to < 0 || to >= steps.length) return;
    at = to;
    lastKey = { op: "", time: 0 };
    keep();
    judge();
  }

  // Where a bar would lie: on a step of the clock, or right at the end or start of another when that is near.
  function snapped(op, row, start, length) {
    const others = Object.keys(plan).filter((each) => each !== op).map(place).filter((each) => each.at === row);
    const starts = [...others.map((each) => each.end), ...others.map((each) => each.start - length)];
    const near = starts.filter((each) => Math.abs(each - start) * scale.pxPerS < NEAR_PX).sort((a, b) => Math.abs(a - start) - Math.abs(b - start))[0];
    return near ?? Math.round(start / STEP_S) * STEP_S;
  }

  function pointer(event) {
    const box = scale.svg.getBoundingClientRect(), px = scale.svg.viewBox.baseVal.width / box.width;
    return { x: (event.clientX - box.left) * px, y: (event.clientY - box.top) * px };
  }

  function pick(event) {
    const bar = event.target.closest?.("[data-op]");
    if (!bar || event.button !== 0 || !event.isPrimary) return;
    const from = place(bar.dataset.op);
    held = { op: bar.dataset.op, bar, from, place: from, grip: pointer(event), isDrag: false };
    bar.setPointerCapture(event.pointerId);
  }

  function drag(event) {
    if (!held) return;
    const now = pointer(event), dx = now.x - held.grip.x, length = held.from.end - held.from.start;
    held.isDrag ||= Math.hypot(dx, now.y - held.grip.y) > CLICK_PX;
    if (!held.isDrag) return;
    const row = rows.find((each) => now.y >= each.y && now.y < each.y + each.height) || rows.find((each) => each.key === held.place.at);
    const start = snapped(held.op, row.key, held.from.start + dx / scale.pxPerS, length);
    held.place = { at: row.key, start, end: start + length };
    draw();
  }

  function drop(event) {
    if (!held) return;
    const { op, place: to, isDrag, from, bar } = held;
    held = null;
    if (!isDrag || event.type !== "pointerup") { draw(); return; }
    bar.addEventListener("click", (click) => click.preventDefault(), { once: true, capture: true });
    setTimeout(() => bar.blur(), 0);
    if (to.at !== from.at || to.start !== from.start) step(op, to, false);
    else draw();
  }

  function key(event) {
    const isTyping = event.target.matches?.("input, textarea, select");
    if ((event.ctrlKey || event.metaKey) && !isTyping && ["z", "y"].includes(event.key.toLowerCase())) {
      event.preventDefault();
      go(at + (event.key.toLowerCase() === "y" || event.shiftKey ? 1 : -1));
      return;
    }
    if (event.key === "Escape" && held) { held = null; draw(); return; }
    const bar = event.target.closest?.("[data-op]"), along = { ArrowLeft: -1, ArrowRight: 1 }[event.key], across = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!bar || !(along || across) || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const op = bar.dataset.op, now = moves()[op] || place(op), length = now.end - now.start;
    const row = rows[rows.findIndex((each) => each.key === now.at) + (across || 0)];
    if (!row) return;
    const by = (along || 0) * (event.shiftKey ? LEAP_S : STEP_S);
    const start = by ? Math.round((now.start + by) / STEP_S) * STEP_S : now.start;
    step(op, { at: row.key, start, end: start + length }, true);
  }

  host.addEventListener("pointerdown", pick);
  host.addEventListener("pointermove", drag);
  host.addEventListener("pointerup", drop);
  host.addEventListener("pointercancel", drop);
  host.addEventListener("touchmove", (event) => { if (held) event.preventDefault(); }, { passive: false }); // the finger moves the bar, not the page
  host.addEventListener("dragstart", (event) => event.preventDefault());
  document.addEventListener("keydown", key);
  // The drawing renews itself; not under the hand, and what is moved stays moved. That judges nothing anew: a page nobody uses asks for nothing.
  host.addEventListener("htmx:before:request", (event) => { if (held || host.contains(document.activeElement)) event.preventDefault(); });
  document.addEventListener("htmx:after:swap", () => { if (!scale.svg.isConnected) take(); });
  part("undo").addEventListener("click", () => go(at - 1));
  part("redo").addEventListener("click", () => go(at + 1));
  part("reset").addEventListener("click", () => { steps = [...steps.slice(0, at + 1), {}]; go(at + 1); });
  part("form").addEventListener("submit", (event) => {
    if (part("entries").value) sessionStorage.removeItem(SHELF);
    else event.preventDefault();
  });
  ({ steps, at } = JSON.parse(sessionStorage.getItem(SHELF)) || { steps, at });
  panel.hidden = false;
  take();
  judge();
})();
