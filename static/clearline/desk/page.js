// What every part of the desk stands on: the page's elements, and what the server said last.
export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

export const desk = $("#desk");
export const note = $("#desk-note");
export const base = desk.dataset.base;

const first = JSON.parse($("#desk-facts").textContent);
export const state = {
    facts: first,
    ahead: Date.parse(first.now) - Date.now(), // how far the server's clock is ahead of ours
    finishing: new URLSearchParams(location.search).get("finish"), // an older call that waits for its outcome
};

// What happens is told, and heard by whoever it concerns: "moved" (what was shown before), "reached", "unreachable"
// and "back" (again), "stale" (the server knows more), "lead" (a window closed). So modules need not know who listens.
const news = new EventTarget();

export function tell(kind, detail) {
    news.dispatchEvent(new CustomEvent(kind, { detail }));
}

export function hear(kind, act) {
    news.addEventListener(kind, (event) => act(event.detail));
}

export function now() {
    return Date.now() + state.ahead;
}

export function setText(element, text) {
    if (text !== null && element.textContent !== text) element.textContent = text;
}
