// Live: hints by websocket, and the state of the connection; while it is down the page asks by itself.
import { $, desk, hear, state, tell } from "./page.js";
import { isBusy, quietly, refresh } from "./server.js";

const SIGNED_OUT = 4401; // the codes with which the server lets go who may not listen: nobody is signed in,
const REFUSED = 4403; // or somebody who may not use the desk
const POLL = { down: 15_000, up: 60_000, playing: 1_000, heartbeat: 20_000 };

let socket = null;
let tries = 0;
let waiting = null;
let hinted = null;

export function listen() {
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
        hint(kind);
    });
    socket.addEventListener("close", (event) => {
        socket = null;
        tries += 1;
        const refused = event.code === REFUSED || event.code === SIGNED_OUT;
        lineDown({ refused });
        // Who signed in anew in another window is let in at the second try.
        const pause = refused && tries > 1 ? 60_000 : Math.min(30_000, 1000 * 2 ** Math.min(tries - 1, 5));
        waiting = setTimeout(listen, pause * (0.7 + Math.random() * 0.6));
        if (refused) refresh(); // if we are signed out, this answer says so
    });
}

// My own call is shown at once. The queue moves with every rep, so all its hints of a few seconds make one question,
// and a page that nobody sees asks when it is looked at again.
function hint(kind) {
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
function unreachable() {
    away = true;
    lineDown();
}
function reached() {
    if (!away) return;
    away = false;
    if (socket?.readyState === WebSocket.OPEN) lineUp();
    tell("back");
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

// While nothing is heard the page asks by itself; whoever holds somebody says so.
let asked = Date.now();
let beaten = Date.now();
setInterval(() => {
    if (isBusy()) return;
    const at = Date.now();
    if (state.facts.plays && at - asked >= POLL.playing) { asked = at; quietly("line/"); return; }
    if (state.facts.held_until && at - beaten >= POLL.heartbeat) { asked = beaten = at; quietly("heartbeat/"); return; }
    const up = socket?.readyState === WebSocket.OPEN && !away;
    if (!document.hidden && at - asked >= (up ? POLL.up : POLL.down)) { asked = at; refresh(); }
}, 500);

window.addEventListener("online", () => { clearTimeout(waiting); if (!socket) listen(); refresh(); });
window.addEventListener("offline", unreachable);
window.addEventListener("focus", () => refresh());
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
hear("unreachable", unreachable);
hear("reached", reached);
hear("stale", refresh);
