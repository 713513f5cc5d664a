// Notes are saved while somebody types, and kept in the browser while nobody can be reached.
import { $, desk, hear, note, setText, state, tell } from "./page.js";
import { ask } from "./server.js";

let typing = state.facts.pair;
let saving = null;
const shelf = (pair) => `desk-note:${desk.dataset.user}:${pair}`;
const kept = $("#desk-kept");

function takeNote({ before, changed }) {
    if (!changed && state.facts.pair === typing) return;
    if (before.pair !== state.facts.pair || before.session !== state.facts.session || typing !== state.facts.pair) {
        clearTimeout(saving);
        typing = state.facts.pair;
        const shelved = typing && localStorage.getItem(shelf(typing));
        note.value = shelved ?? state.facts.draft ?? "";
        setText(kept, "");
        if (shelved !== null && shelved !== undefined && shelved !== state.facts.draft) saveNote();
    } else if (before.phase !== state.facts.phase && !note.value && state.facts.draft) note.value = state.facts.draft;
}

note.addEventListener("input", () => {
    if (!typing) return;
    localStorage.setItem(shelf(typing), note.value);
    setText(kept, "…");
    clearTimeout(saving);
    saving = setTimeout(saveNote, 700);
});
note.addEventListener("blur", saveShelved);

async function saveNote() {
    clearTimeout(saving);
    const [pair, text] = [typing, note.value];
    if (!pair) return;
    try {
        const { ok, answer } = await ask("draft/", { pair, text });
        tell("reached");
        if (!ok) { setText(kept, answer.error || "not saved"); return; }
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
