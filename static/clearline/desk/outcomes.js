// Saving how a call ended, and when somebody wants to be called back.
import { instantOf, wallClock } from "./clocks.js";
import { open } from "./dialogs.js";
import { forgetNote, settled, typingFor } from "./notes.js";
import { $, base, desk, note, state } from "./page.js";
import { act, refresh } from "./server.js";

let pending = null; // the outcome that waits for its callback time

export function askWhen(button) {
    pending = button.dataset;
    const choices = $("#desk-callback-choices");
    $("[data-choices]").replaceChildren(choices ? choices.content.cloneNode(true) : "");
    $("[data-when-error]").textContent = "";
    $("[data-when-words]").textContent = `Their zone: ${theirZone()}. Yours: ${desk.dataset.zone}.`;
    open("#desk-callback");
    $("[data-choices] button")?.focus();
}

function theirZone() {
    return $("[data-choices] input[name=their-zone]")?.value || desk.dataset.zone;
}

$("#desk-when").addEventListener("input", (event) => {
    if (!event.target.value) return;
    const options = { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
    const instant = instantOf(event.target.value, theirZone());
    $("[data-when-words]").textContent =
        `${wallClock(instant, theirZone(), options)} there, ${wallClock(instant, desk.dataset.zone, options)} yours.`;
});

export async function saveOutcome(dataset, more = {}) {
    const pair = typingFor();
    await settled();
    const done = await act("outcome", { session: dataset.session, disposition: dataset.disposition, note: note.value, ...more });
    if (!done) {
        if ($("#desk-callback").open) $("[data-when-error]").textContent = $("#desk-complaint")?.textContent || "";
        return;
    }
    forgetNote(pair);
    if (state.finishing) finish(null);
}

export function callBackAt(at) {
    saveOutcome(pending, { callback_at: at });
}

export function callBackWhen() {
    saveOutcome(pending, { callback_wall: $("#desk-when").value, callback_zone: theirZone() });
}

// Show an older call that waits for its outcome, or without one whatever is at hand.
export function finish(session) {
    state.finishing = session;
    history.replaceState(null, "", session ? `${base}?finish=${session}` : base);
    return refresh();
}
