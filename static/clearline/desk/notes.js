// Notes are saved while somebody types, and kept in the browser while nobody can be reached.
import { $, desk, hear, note, now, setText, state, tell } from "./page.js";
import { ask } from "./server.js";

let typing = state.facts.pair;
let saving = null;
let onItsWay = Promise.resolve();
let savedAt = 0; // answers of before that know an older draft
const LATENCY = 1000, PATIENCE = 2000;
const shelf = (pair) => `desk-note:${desk.dataset.user}:${pair}`;
const kept = $("#desk-kept");

function takeNote({ before, changed }) {
    if (!changed && state.facts.pair === typing) { adopt(); return; }
    if (before.pair !== state.facts.pair || before.session !== state.facts.session || typing !== state.facts.pair) {
        clearTimeout(saving);
        typing = state.facts.pair;
        const shelved = typing && localStorage.getItem(shelf(typing));
        note.value = shelved ?? state.facts.draft ?? "";
        setText(kept, "");
        if (shelved !== null && shelved !== undefined && shelved !== state.facts.draft) saveNote();
    } else adopt();
}

// Another window of this rep may have written on: what is said here last goes with the outcome.
function adopt() {
    const mine = document.activeElement === note || !typing || localStorage.getItem(shelf(typing)) !== null;
    if (!mine && Date.parse(state.facts.now) > savedAt + LATENCY) note.value = state.facts.draft ?? "";
}

note.addEventListener("input", () => {
    if (!typing) return;
    localStorage.setItem(shelf(typing), note.value);
    setText(kept, "…");
    clearTimeout(saving);
    saving = setTimeout(saveNote, 700);
});
note.addEventListener("blur", saveShelved);

function saveNote() {
    clearTimeout(saving);
    if (typing) onItsWay = keep(typing, note.value);
}

async function keep(pair, text) {
    try {
        const { ok, answer } = await ask("draft/", { pair, text });
        tell("reached");
        if (!ok) { setText(kept, answer.error || "not saved"); return; }
        savedAt = now();
        if (localStorage.getItem(shelf(pair)) === text) localStorage.removeItem(shelf(pair));
        if (pair === typing && note.value === text) setText(kept, "saved");
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        setText(kept, "kept on this computer");
        tell("unreachable");
    }
}

export function typingFor() {
    return typing;
}

// A draft that came after the outcome would stand in the next call. A line that hangs is not waited for.
export function settled() {
    return Promise.race([onItsWay, new Promise((done) => { setTimeout(done, PATIENCE); })]);
}

// The outcome took the note along.
export function forgetNote(pair) {
    localStorage.removeItem(shelf(pair));
}

// What is kept here and was not saved yet goes to the server now that it can be reached.
function saveShelved() {
    if (typing && localStorage.getItem(shelf(typing)) !== null) saveNote();
}

export function takeShelved() {
    const shelved = typing && localStorage.getItem(shelf(typing));
    if (shelved === null) return;
    note.value = shelved;
    saveNote();
}

hear("moved", takeNote);
hear("back", saveShelved);
