// Lists: ticking rows, acting on them, and filters that apply as soon as they are set.
(() => {
    "use strict";

    const toolbar = document.querySelector("[data-toolbar]");
    if (toolbar) {
        toolbar.querySelectorAll("select").forEach((control) => {
            control.addEventListener("change", () => toolbar.requestSubmit());
        });
        // An address without empty parameters can be read, and be recognized as one of the ready-made views.
        toolbar.addEventListener("submit", () => {
            toolbar.querySelectorAll("input, select").forEach((control) => {
                control.disabled = control.value === "";
            });
        });
        document.addEventListener("click", (event) => {
            toolbar.querySelectorAll("details[open]").forEach((open) => {
                if (!open.contains(event.target)) open.open = false;
            });
        });
        window.addEventListener("pageshow", () => {
            toolbar.querySelectorAll("input, select").forEach((control) => { control.disabled = false; });
        });
        // Single keys are switched off at the call desk, for both.
        const keys = localStorage.getItem(`single-keys:${toolbar.dataset.user}`) !== "off";
        toolbar.querySelectorAll("[data-slash]").forEach((hint) => { hint.hidden = !keys; });
        if (keys) document.addEventListener("keydown", (event) => {
            const typing = event.target.closest("input, textarea, select, [contenteditable]");
            const search = document.getElementById("searchbar");
            if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey && !event.altKey) {
                event.preventDefault();
                search.focus();
                search.select();
            }
        });
    }

    const list = document.querySelector("[data-list]");
    const actions = list && list.querySelector("[data-actions]");
    if (!actions) return;
    const boxes = [...list.querySelectorAll("input.action-select")];
    const all = list.querySelector("[data-tick-all]");
    const matching = list.querySelector("[data-tick-matching]");
    const across = list.querySelector("input[name=select_across]");
    const ticked = list.querySelector("[data-ticked]");
    let last = null;

    const show = () => {
        const count = boxes.filter((box) => box.checked).length;
        all.checked = count > 0 && count === boxes.length;
        all.indeterminate = count > 0 && count < boxes.length;
        if (!all.checked) across.value = "0";
        actions.hidden = count === 0;
        ticked.textContent = across.value === "1" ? `All ${list.dataset.total} ticked` : `${count} ticked`;
        if (matching) matching.hidden = !all.checked || across.value === "1";
        boxes.forEach((box) => box.closest("tr").classList.toggle("cl-ticked", box.checked));
    };

    all.addEventListener("change", () => {
        boxes.forEach((box) => { box.checked = all.checked; });
        show();
    });
    boxes.forEach((box, index) => {
        box.addEventListener("click", (event) => {
            if (event.shiftKey && last !== null) {
                const [from, to] = [Math.min(last, index), Math.max(last, index)];
                boxes.slice(from, to + 1).forEach((other) => { other.checked = box.checked; });
            }
            last = index;
            show();
        });
    });
    if (matching) matching.addEventListener("click", () => { across.value = "1"; show(); });
    window.addEventListener("pageshow", show);
    show();
})();
