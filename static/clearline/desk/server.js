// Asking the server, which alone knows where the rep stands.
import { $, base, desk, state, tell } from "./page.js";
import { complain, show, shutOut } from "./showing.js";

const token = $("[name=csrfmiddlewaretoken]", desk).value;
let busy = false;

export function isBusy() {
    return busy;
}

export async function ask(path, body) {
    const query = state.finishing ? `?finish=${encodeURIComponent(state.finishing)}` : "";
    const headers = { Accept: "application/json" };
    if (body) Object.assign(headers, { "Content-Type": "application/json", "X-CSRFToken": token });
    const response = await fetch(`${base}${path}${query}`, {
        method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), credentials: "same-origin",
    });
    let answer;
    try { answer = await response.json(); } catch { answer = { error: "The server answered something unreadable." }; }
    if (response.status === 401 || answer.error_code === "csrf_failed") shutOut(answer.error);
    if (answer.error_code === "permission_denied") shutOut(answer.error, { signIn: false });
    return { ok: response.ok, status: response.status, answer };
}

// One deed at a time: a key that is pressed twice is pressed once.
export async function act(path, body = {}) {
    if (busy) return null;
    busy = true;
    desk.setAttribute("aria-busy", "true");
    try {
        const { ok, answer } = await ask(`${path}/`, body);
        tell("reached");
        if (answer.parts) show(answer, { moved: true });
        if (!ok) complain(answer.error);
        return ok ? answer : null;
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        tell("unreachable");
        complain("The server cannot be reached: this was not saved. Your note is kept here; try again in a moment.");
        return null;
    } finally {
        busy = false;
        desk.removeAttribute("aria-busy");
    }
}

// An answer that was on its way while something was done tells of before: it loses.
const isNewer = (answer) => !busy && Boolean(answer.parts) && Date.parse(answer.now) >= Date.parse(state.facts.now);

let asking = null;

export async function refresh() {
    if (busy || asking) return;
    asking = ask("state/");
    try {
        const { ok, answer } = await asking;
        tell("reached");
        if (ok && isNewer(answer)) show(answer);
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        tell("unreachable");
    } finally { asking = null; }
}

// What nobody waits for: the line playing on, a heartbeat.
export async function quietly(path) {
    try {
        const { answer } = await ask(path, {});
        tell("reached");
        if (isNewer(answer)) show(answer);
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        tell("unreachable");
    }
}
