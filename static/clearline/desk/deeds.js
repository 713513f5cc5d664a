// What a button does. Every key has a button, and does what the button does.
import { closeDialogs, open } from "./dialogs.js";
import { openFilter, want } from "./filters.js";
import { askWhen, callBackAt, callBackWhen, finish, saveOutcome } from "./outcomes.js";
import { $, desk, state } from "./page.js";
import { act, ask } from "./server.js";
import { switchOver } from "./shortcuts.js";
import { complain, lead } from "./showing.js";

async function explain(pair) {
    const { ok, answer } = await ask(`explain/${pair}/`);
    if (!ok) { complain(answer.error); return; }
    $("#desk-explain-title").textContent = answer.title;
    $("[data-explained]").innerHTML = answer.html;
    open("#desk-explain");
    $("[data-explained] button")?.focus();
}

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

export const deeds = {
    next: () => act("next"),
    release: () => act("release"),
    take: (button) => act("take", { pair: button.dataset.pair }),
    dial,
    skip: () => { open("#desk-skip"); $("#desk-skip .desk-choices button").focus(); },
    "skip-for": (button) => { closeDialogs(); act("skip", { why: button.dataset.why, pair: state.facts.pair }); },
    happened: (button) => act("happened", { session: state.facts.session, kind: button.dataset.kind }),
    outcome: (button) => ("asks" in button.dataset ? askWhen(button) : saveOutcome(button.dataset)),
    callback: (button) => callBackAt(button.dataset.at),
    "callback-custom": callBackWhen,
    undo: (button) => act("undo", { session: button.dataset.session }),
    explain: (button) => explain(button.dataset.pair),
    finish: (button) => finish(button.dataset.session).then(lead),
    unfinish: () => finish(null).then(lead),
    filter: openFilter,
    unfilter: (button) => act("want", { drop: button.dataset.filter }).then(closeDialogs),
    want,
    help: () => open("#desk-help"),
    keys: switchOver,
};

desk.addEventListener("click", (event) => {
    const button = event.target.closest("[data-act]");
    if (button && !button.disabled) deeds[button.dataset.act](button);
});
