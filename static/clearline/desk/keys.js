// The keyboard: the whole desk can be worked without a mouse, by single keys or, where these are off, by Tab and Enter.
import { deeds } from "./deeds.js";
import { dialogs } from "./dialogs.js";
import { $, $$, desk, note } from "./page.js";
import * as shortcuts from "./shortcuts.js";
import { lead } from "./showing.js";

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
    if (!shortcuts.areOn()) return;
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
