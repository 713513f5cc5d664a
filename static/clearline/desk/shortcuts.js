// Single keys can be switched off (WCAG 2.1.4): who dictates, or hits keys unawares, would press them without wanting to.
// This browser remembers it for each user; lists read it as well. Every key has a button that Tab and Enter reach.
import { $$, desk } from "./page.js";

const shelf = `single-keys:${desk.dataset.user}`;

export function areOn() {
    return localStorage.getItem(shelf) !== "off";
}

export function switchOver() {
    if (areOn()) localStorage.setItem(shelf, "off");
    else localStorage.removeItem(shelf);
    showSwitches();
}

export function showSwitches() {
    const words = areOn() ? "on" : "off";
    desk.dataset.keys = words;
    $$("[data-act=keys]", desk).forEach((button) => button.setAttribute("aria-checked", String(areOn())));
    $$("[data-keys-state]", desk).forEach((state) => { state.textContent = words; });
}
