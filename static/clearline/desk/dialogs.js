// Windows on the page: one at a time.
import { $, $$, desk, tell } from "./page.js";

export function dialogs() {
    return $$("dialog[open]", desk);
}

export function closeDialogs() {
    dialogs().forEach((dialog) => dialog.close());
}

export function open(id) {
    closeDialogs();
    $(id).showModal();
}
$$("dialog", desk).forEach((dialog) => {
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { if (!dialogs().length) tell("lead"); });
});
