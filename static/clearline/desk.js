// The call desk. The server says where the rep stands; this page shows it, keeps its clocks, and never holds a truth of
// its own but one: what was typed and is not saved yet.
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

const desk = $("#desk");
const note = $("#desk-note");
const base = desk.dataset.base;
const token = $("[name=csrfmiddlewaretoken]", desk).value;
const REFUSED = 4403; // the code with which the server shuts out who may not listen
const POLL = { down: 15_000, up: 60_000, playing: 1_000, heartbeat: 20_000 };

let facts = JSON.parse($("#desk-facts").textContent);
let ahead = Date.parse(facts.now) - Date.now(); // how far the server's clock is ahead of ours
let busy = false;
let finishing = new URLSearchParams(location.search).get("finish");
const parts = {};
$$("[data-part]").forEach((part) => { parts[part.dataset.part] = null; });

const now = () => Date.now() + ahead;

// ---- Asking the server

async function ask(path, body) {
    const query = finishing ? `?finish=${encodeURIComponent(finishing)}` : "";
    const headers = { Accept: "application/json" };
    if (body) Object.assign(headers, { "Content-Type": "application/json", "X-CSRFToken": token });
    const response = await fetch(`${base}${path}${query}`, {
        method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), credentials: "same-origin",
    });
    let answer;
    try { answer = await response.json(); } catch { answer = { error: "The server answered something unreadable." }; }
    if (response.status === 401 || answer.error_code === "csrf_failed") signedOut(answer.error);
    return { ok: response.ok, status: response.status, answer };
}

// One deed at a time: a key that is pressed twice is pressed once.
async function act(path, body = {}) {
    if (busy) return null;
    busy = true;
    desk.setAttribute("aria-busy", "true");
    try {
        const { ok, answer } = await ask(`${path}/`, body);
        reached();
        if (answer.parts) show(answer, { moved: true });
        if (!ok) complain(answer.error);
        return ok ? answer : null;
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        unreachable();
        complain("The server cannot be reached: this was not saved. Your note is kept here; try again in a moment.");
        return null;
    } finally {
        busy = false;
        desk.removeAttribute("aria-busy");
    }
}

// An answer that was on its way while something was done tells of before: it loses.
const isNewer = (answer) => !busy && Boolean(answer.parts) && Date.parse(answer.now) >= Date.parse(facts.now);

let asking = null;
async function refresh() {
    if (busy || asking) return;
    asking = ask("state/");
    try {
        const { ok, answer } = await asking;
        reached();
        if (ok && isNewer(answer)) show(answer);
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        unreachable();
    } finally { asking = null; }
}

// ---- Showing

function show(answer, { moved = false } = {}) {
    const before = facts;
    facts = answer;
    ahead = Date.parse(facts.now) - Date.now();
    const changed = facts.phase !== before.phase || facts.pair !== before.pair || facts.session !== before.session;
    if (changed || facts.pair !== typing) takeNote(before);
    const focused = document.activeElement;
    const mark = focused?.dataset?.focus || (focused?.dataset?.act && selectorOf(focused));
    Object.entries(answer.parts || {}).forEach(([name, html]) => {
        if (parts[name] === html) return;
        parts[name] = html;
        $(`[data-part="${name}"]`).innerHTML = html;
    });
    desk.dataset.phase = facts.phase;
    $(".desk-below").hidden = !facts.pair;
    tick();
    if (changed) {
        closeDialogs();
        announce(facts.said);
        if (moved || !document.activeElement || document.activeElement === document.body) lead();
    } else if (mark && !desk.contains(document.activeElement)) {
        $(mark.startsWith("[") ? mark : `[data-focus="${mark}"]`)?.focus();
    }
}

const selectorOf = (element) => `[data-act="${element.dataset.act}"]`;

// Where the eye and the next key belong after something happened.
function lead() {
    if (document.activeElement === note) return;
    const target = $("[data-primary]", desk) || $("#desk-person-name") || $("#desk-ready");
    target?.focus({ preventScroll: true });
}

function announce(words) {
    const place = $("#desk-announce");
    place.textContent = "";
    requestAnimationFrame(() => { place.textContent = words || ""; });
}

let complaining;
function complain(words) {
    if (!words) return;
    let bar = $("#desk-complaint");
    if (!bar) {
        bar = document.createElement("div");
        bar.id = "desk-complaint";
        bar.className = "desk-bar desk-bad";
        bar.setAttribute("role", "alert");
        $(".desk-notices").before(bar);
    }
    bar.textContent = words;
    clearTimeout(complaining);
    complaining = setTimeout(() => bar.remove(), 12_000);
}

function signedOut(words) {
    const bar = $("#desk-offline");
    bar.hidden = false;
    const link = document.createElement("a");
    link.href = desk.dataset.signIn;
    link.textContent = "Sign in again";
    $("[data-offline-words]").replaceChildren(`${words || "You are signed out."} `, link);
}

// ---- Clocks: they tick by themselves and are never read aloud

const two = (number) => String(number).padStart(2, "0");
const span = (milliseconds) => {
    const whole = Math.max(0, Math.floor(milliseconds / 1000));
    const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
};
const formats = new Map();
function wallClock(instant, zone, options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) {
    const key = `${zone}${JSON.stringify(options)}`;
    try {
        if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }));
        return formats.get(key).format(instant);
    } catch { return null; } // a zone this browser does not know: what the server wrote stays
}
const setText = (element, text) => { if (text !== null && element.textContent !== text) element.textContent = text; };

function tick() {
    const at = now();
    $$("[data-since]", desk).forEach((timer) => setText(timer, span(at - Date.parse(timer.dataset.since))));
    $$("[data-until]", desk).forEach((timer) => setText(timer, span(Date.parse(timer.dataset.until) - at + 999)));
    $$("[data-zone]", desk).forEach((clock) => { if (clock !== desk) setText(clock, wallClock(at, clock.dataset.zone)); });
    $$("[data-zone-at]", desk).forEach((clock) => setText(clock, wallClock(Date.parse(clock.dataset.zoneAt), clock.dataset.in)));
    setText($("[data-desk-timer]"), span(Date.now() - begun).replace(/^(\d+):(\d\d)$/, "$1:$2"));
    if (facts.undo_until && at > Date.parse(facts.undo_until) + 300) { facts.undo_until = null; refresh(); }
    if (facts.opens_at && at > Date.parse(facts.opens_at) + 500) { facts.opens_at = null; refresh(); }
    if (facts.held_until && at > Date.parse(facts.held_until) + 500) { facts.held_until = null; refresh(); }
}
const begun = Number(sessionStorage.getItem("desk-begun")) || Date.now();
sessionStorage.setItem("desk-begun", String(begun));
setInterval(tick, 1000);

// ---- Notes: saved while typing, kept here while nobody can be reached

let typing = facts.pair;
let saving = null;
const shelf = (pair) => `desk-note:${desk.dataset.user}:${pair}`;
const kept = $("#desk-kept");

function takeNote(before) {
    if (before.pair !== facts.pair || before.session !== facts.session || typing !== facts.pair) {
        clearTimeout(saving);
        typing = facts.pair;
        const shelved = typing && localStorage.getItem(shelf(typing));
        note.value = shelved ?? facts.draft ?? "";
        setText(kept, "");
        if (shelved !== null && shelved !== undefined && shelved !== facts.draft) saveNote();
    } else if (before.phase !== facts.phase && !note.value && facts.draft) note.value = facts.draft;
}

note.addEventListener("input", () => {
    if (!typing) return;
    localStorage.setItem(shelf(typing), note.value);
    setText(kept, "…");
    clearTimeout(saving);
    saving = setTimeout(saveNote, 700);
});
note.addEventListener("blur", () => { if (typing && localStorage.getItem(shelf(typing)) !== null) saveNote(); });

async function saveNote() {
    clearTimeout(saving);
    const [pair, text] = [typing, note.value];
    if (!pair) return;
    try {
        const { ok, answer } = await ask("draft/", { pair, text });
        reached();
        if (!ok) { setText(kept, answer.error || "not saved"); return; }
        if (localStorage.getItem(shelf(pair)) === text) localStorage.removeItem(shelf(pair));
        if (pair === typing && note.value === text) setText(kept, "saved");
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        setText(kept, "kept on this computer");
        unreachable();
    }
}

// ---- Live: hints by websocket; while it is down the page asks by itself

let socket = null;
let tries = 0;
let waiting = null;
let hinted = null;

function listen() {
    clearTimeout(waiting);
    socket = new WebSocket(desk.dataset.live);
    socket.addEventListener("message", (event) => {
        const { kind } = JSON.parse(event.data);
        if (kind === "hello") {
            if (tries) refresh();
            tries = 0;
            lineUp();
            return;
        }
        hear(kind);
    });
    socket.addEventListener("close", (event) => {
        socket = null;
        tries += 1;
        const refused = event.code === REFUSED;
        lineDown({ refused });
        const pause = refused ? 60_000 : Math.min(30_000, 1000 * 2 ** Math.min(tries - 1, 5));
        waiting = setTimeout(listen, pause * (0.7 + Math.random() * 0.6));
        if (refused) refresh(); // if we are signed out, this answer says so
    });
}

// My own call is shown at once. The queue moves with every rep, so all its hints of a few seconds make one question,
// and a page that nobody sees asks when it is looked at again.
function hear(kind) {
    if (kind === "call_changed") {
        clearTimeout(hinted);
        hinted = setTimeout(heard, 150);
    } else if (!hinted && !document.hidden) hinted = setTimeout(heard, 2000 + Math.random() * 3000);
}
function heard() {
    hinted = null;
    refresh();
}

let away = false;
const unreachable = () => { away = true; lineDown(); };
function reached() {
    if (!away) return;
    away = false;
    if (socket?.readyState === WebSocket.OPEN) lineUp();
    if (typing && localStorage.getItem(shelf(typing)) !== null) saveNote();
}
function lineDown({ refused = false } = {}) {
    const bar = $("#desk-offline");
    bar.hidden = false;
    desk.dataset.line = "down";
    if (refused && !away) {
        $("[data-offline-words]").textContent = "Live updates are refused here; the page asks every 15 seconds instead.";
        return;
    }
    $("[data-offline-words]").textContent = `Connection lost (retrying, ${Math.max(1, tries)}). ${away ? "Nothing can be saved right now; your notes are kept on this computer." : "You can go on; news come a little later."}`;
}
function lineUp() {
    if (away) return;
    $("#desk-offline").hidden = true;
    desk.dataset.line = "up";
}

let asked = Date.now();
let beaten = Date.now();
setInterval(() => {
    if (busy) return;
    const at = Date.now();
    if (facts.plays && at - asked >= POLL.playing) { asked = at; playOn(); return; }
    if (facts.held_until && at - beaten >= POLL.heartbeat) { asked = beaten = at; beat(); return; }
    const up = socket?.readyState === WebSocket.OPEN && !away;
    if (!document.hidden && at - asked >= (up ? POLL.up : POLL.down)) { asked = at; refresh(); }
}, 500);

async function quietly(path) {
    try {
        const { answer } = await ask(path, {});
        reached();
        if (isNewer(answer)) show(answer);
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        unreachable();
    }
}
const playOn = () => quietly("line/");
const beat = () => quietly("heartbeat/");

window.addEventListener("online", () => { clearTimeout(waiting); if (!socket) listen(); refresh(); });
window.addEventListener("offline", unreachable);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

// ---- Dialogs

const dialogs = () => $$("dialog[open]", desk);
const closeDialogs = () => dialogs().forEach((dialog) => dialog.close());
function open(id) {
    closeDialogs();
    $(id).showModal();
}
$$("dialog", desk).forEach((dialog) => {
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { if (!dialogs().length) lead(); });
});

let pending = null; // the outcome that waits for its callback time
function askWhen(button) {
    pending = button.dataset;
    const choices = $("#desk-callback-choices");
    $("[data-choices]").replaceChildren(choices ? choices.content.cloneNode(true) : "");
    $("[data-when-error]").textContent = "";
    $("[data-when-words]").textContent = `Their zone: ${theirZone()}. Yours: ${desk.dataset.zone}.`;
    open("#desk-callback");
    $("[data-choices] button")?.focus();
}
const theirZone = () => $("[data-choices] input[name=their-zone]")?.value || desk.dataset.zone;

// What instant is this wall clock in that zone? Twice, because the offset may differ between guess and answer.
function instantOf(wall, zone) {
    const wanted = Date.parse(`${wall}Z`);
    let guess = wanted;
    for (let round = 0; round < 2; round += 1) {
        const seen = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(guess);
        guess += wanted - Date.parse(`${seen.replace(" ", "T")}Z`);
    }
    return guess;
}
$("#desk-when").addEventListener("input", (event) => {
    if (!event.target.value) return;
    const options = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const instant = instantOf(event.target.value, theirZone());
    $("[data-when-words]").textContent =
        `${wallClock(instant, theirZone(), options)} there, ${wallClock(instant, desk.dataset.zone, options)} yours.`;
});

async function saveOutcome(dataset, more = {}) {
    const pair = typing;
    const done = await act("outcome", { session: dataset.session, disposition: dataset.disposition, note: note.value, ...more });
    if (!done) {
        if ($("#desk-callback").open) $("[data-when-error]").textContent = $("#desk-complaint")?.textContent || "";
        return;
    }
    localStorage.removeItem(shelf(pair));
    if (finishing) { finishing = null; history.replaceState(null, "", base); refresh(); }
}

async function explain(pair) {
    const { ok, answer } = await ask(`explain/${pair}/`);
    if (!ok) { complain(answer.error); return; }
    $("#desk-explain-title").textContent = answer.title;
    $("[data-explained]").innerHTML = answer.html;
    open("#desk-explain");
    $("[data-explained] button")?.focus();
}

// ---- Filters

const projects = new Map();
let looking = null;
$("#desk-project").addEventListener("input", (event) => {
    clearTimeout(looking);
    looking = setTimeout(async () => {
        const response = await fetch(`${base}projects/?q=${encodeURIComponent(event.target.value)}`, { headers: { Accept: "application/json" } });
        if (!response.ok) return;
        const found = (await response.json()).projects;
        found.forEach((project) => projects.set(project.name, project.id));
        $("#desk-projects").replaceChildren(...found.map((project) => {
            const option = document.createElement("option");
            option.value = project.name;
            return option;
        }));
    }, 250);
});

function openFilter() {
    const { project, priority, zone, owner } = facts.wanted;
    if (project) projects.set(project.name, project.id);
    $("#desk-project").value = project?.name ?? "";
    $("#desk-priority").value = priority ?? "";
    $("#desk-zone").value = zone;
    $("#desk-mine").checked = owner;
    open("#desk-filter");
}

function want() {
    const project = $("#desk-project");
    const typed = project.value.trim();
    if (typed && !projects.has(typed)) {
        project.setCustomValidity("Choose a project from the list.");
        project.reportValidity();
        project.setCustomValidity("");
        return;
    }
    act("want", {
        project: projects.get(typed) ?? "",
        priority: $("#desk-priority").value, zone: $("#desk-zone").value, owner: $("#desk-mine").checked,
    }).then(closeDialogs);
}

// ---- Deeds: every key has a button, and does what the button does

async function dial(button) {
    const answer = await act("dial", { point: button.dataset.point });
    if (answer?.open) {
        const link = document.createElement("a"); // within seconds of the key or the click, else the browser refuses
        link.href = answer.open;
        desk.append(link);
        link.click();
        link.remove();
    }
}

const deeds = {
    next: () => act("next"),
    release: () => act("release"),
    take: (button) => act("take", { pair: button.dataset.pair }),
    dial,
    skip: () => { open("#desk-skip"); $("#desk-skip .desk-choices button").focus(); },
    "skip-for": (button) => { closeDialogs(); act("skip", { why: button.dataset.why, pair: facts.pair }); },
    happened: (button) => act("happened", { session: facts.session, kind: button.dataset.kind }),
    outcome: (button) => ("asks" in button.dataset ? askWhen(button) : saveOutcome(button.dataset)),
    callback: (button) => saveOutcome(pending, { callback_at: button.dataset.at }),
    "callback-custom": () => saveOutcome(pending, { callback_wall: $("#desk-when").value, callback_zone: theirZone() }),
    undo: (button) => act("undo", { session: button.dataset.session }),
    explain: (button) => explain(button.dataset.pair),
    finish: (button) => { finishing = button.dataset.session; history.replaceState(null, "", `${base}?finish=${finishing}`); refresh().then(lead); },
    unfinish: () => { finishing = null; history.replaceState(null, "", base); refresh().then(lead); },
    filter: openFilter,
    unfilter: (button) => act("want", { drop: button.dataset.filter }).then(closeDialogs),
    want,
    help: () => open("#desk-help"),
};

desk.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button && !button.disabled) deeds[button.dataset.act](button);
});

const press = (selector, within = desk) => {
    const button = $(selector, within);
    if (button && !button.disabled) button.click();
    return Boolean(button);
};
const keys = {
    " ": () => press("[data-primary]"),
    s: () => press(".desk-center [data-act=skip]"),
    u: () => press("[data-act=undo]"),
    n: () => { if (!$(".desk-below").hidden) note.focus(); return !$(".desk-below").hidden; },
    a: () => press("[data-act=happened][data-kind=answered]"),
    h: () => press("[data-act=happened][data-kind=completed]"),
    "?": () => { deeds.help(); return true; },
};

document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    const field = event.target.closest?.("input, textarea, select, [contenteditable=true]");
    if (field) {
        if (event.key === "Escape" && field === note) { note.blur(); lead(); }
        return;
    }
    const [dialog] = dialogs();
    if (dialog) {
        if (/^[1-9]$/.test(event.key) && $(".desk-choices", dialog)) {
            const choice = $$(".desk-choices [data-act]", dialog)[Number(event.key) - 1];
            if (choice) { event.preventDefault(); choice.click(); }
        }
        return;
    }
    if ($("[role=dialog]:not([hidden]), dialog[open]") && !desk.contains($("dialog[open]"))) return; // the theme's own windows
    if (event.key === " " && event.target.closest("button, a, summary, [role=button]") && event.target !== document.body) return;
    const done = /^[1-9]$/.test(event.key) ? press(`.desk-outcomes [data-key="${event.key}"]`) : keys[event.key.toLowerCase()]?.();
    if (done) event.preventDefault();
});

// ---- Begin

if (facts.pair) {
    const shelved = localStorage.getItem(shelf(facts.pair));
    if (shelved !== null) { note.value = shelved; saveNote(); }
}
tick();
lead();
announce(facts.said);
listen();
