// Putting an answer of the server on the page, without losing where somebody types or looks.
import { tick } from "./clocks.js";
import { closeDialogs } from "./dialogs.js";
import { $, $$, desk, hear, note, state, tell } from "./page.js";
import * as shortcuts from "./shortcuts.js";

const parts = Object.fromEntries($$("[data-part]").map((part) => [part.dataset.part, null]));

export function show(answer, { moved = false } = {}) {
    const before = state.facts;
    state.facts = answer;
    state.ahead = Date.parse(state.facts.now) - Date.now();
    const changed = state.facts.phase !== before.phase || state.facts.pair !== before.pair || state.facts.session !== before.session;
    tell("moved", { before, changed });
    const focused = document.activeElement;
    const mark = focused?.dataset?.focus || (focused?.dataset?.act && selectorOf(focused));
    Object.entries(answer.parts || {}).forEach(([name, html]) => {
        if (parts[name] === html) return;
        parts[name] = html;
        $(`[data-part="${name}"]`).innerHTML = html;
    });
    desk.dataset.phase = state.facts.phase;
    $(".desk-below").hidden = !state.facts.pair;
    tick();
    if (changed) {
        closeDialogs();
        announceState();
        if (moved || !document.activeElement || document.activeElement === document.body) lead();
    } else if (mark && !desk.contains(document.activeElement)) {
        $(mark.startsWith("[") ? mark : `[data-focus="${mark}"]`)?.focus();
    }
}

const selectorOf = (element) => `[data-act="${element.dataset.act}"]`;

// Where the eye and the next key belong after something happened.
export function lead() {
    if (document.activeElement === note) return;
    const target = $("[data-primary]", desk) || $("#desk-person-name") || $("#desk-ready");
    target?.focus({ preventScroll: true });
}

export function announceState() {
    announce(shortcuts.areOn() ? `${state.facts.said} ${state.facts.key}`.trim() : state.facts.said);
}

function announce(words) {
    const place = $("#desk-announce");
    place.textContent = "";
    requestAnimationFrame(() => { place.textContent = words || ""; });
}

let complaining;
export function complain(words) {
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

// Nobody is signed in any more, or somebody who may not use the desk: then signing in again does not help.
export function shutOut(words, { signIn = true } = {}) {
    const bar = $("#desk-offline");
    bar.hidden = false;
    const link = document.createElement("a");
    link.href = desk.dataset.signIn;
    link.textContent = "Sign in again";
    $("[data-offline-words]").replaceChildren(`${words || "You are signed out."} `, ...(signIn ? [link] : []));
}

hear("lead", lead);
