// Clocks tick by themselves and are never read aloud.
import { $, $$, desk, now, setText, state, tell } from "./page.js";

const begun = Number(sessionStorage.getItem("desk-begun")) || Date.now();
sessionStorage.setItem("desk-begun", String(begun));

const two = (number) => String(number).padStart(2, "0");
const span = (milliseconds) => {
    const whole = Math.max(0, Math.floor(milliseconds / 1000));
    const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
    return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
};
const formats = new Map();
export function wallClock(instant, zone, options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }) {
    const key = `${zone}${JSON.stringify(options)}`;
    try {
        if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone }));
        return formats.get(key).format(instant);
    } catch { return null; } // a zone this browser does not know: what the server wrote stays
}

export function tick() {
    const at = now();
    $$("[data-since]", desk).forEach((timer) => setText(timer, span(at - Date.parse(timer.dataset.since))));
    $$("[data-until]", desk).forEach((timer) => setText(timer, span(Date.parse(timer.dataset.until) - at + 999)));
    $$("[data-zone]", desk).forEach((clock) => { if (clock !== desk) setText(clock, wallClock(at, clock.dataset.zone)); });
    $$("[data-zone-at]", desk).forEach((clock) => setText(clock, wallClock(Date.parse(clock.dataset.zoneAt), clock.dataset.in)));
    setText($("[data-desk-timer]"), span(Date.now() - begun).replace(/^(\d+):(\d\d)$/, "$1:$2"));
    for (const [end, grace] of [["undo_until", 300], ["opens_at", 500], ["held_until", 500]]) {
        if (state.facts[end] && at > Date.parse(state.facts[end]) + grace) {
            state.facts[end] = null;
            tell("stale");
        }
    }
}

// What instant is this wall clock in that zone? Twice, because the offset may differ between guess and answer.
export function instantOf(wall, zone) {
    const wanted = Date.parse(`${wall}Z`);
    let guess = wanted;
    for (let round = 0; round < 2; round += 1) {
        const seen = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" }).format(guess);
        guess += wanted - Date.parse(`${seen.replace(" ", "T")}Z`);
    }
    return guess;
}
