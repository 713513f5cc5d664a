// Whom this rep wants to call.
import { closeDialogs, open } from "./dialogs.js";
import { $, base, state } from "./page.js";
import { act } from "./server.js";

const projects = new Map();
let looking = null;
$("#desk-project").addEventListener("input", (event) => {
    clearTimeout(looking);
    looking = setTimeout(async () => {
        const response = await fetch(`${base}projects/?q=${encodeURIComponent(event.target.value)}`, { headers: { Accept: "application/json" } });
        if (!response.ok) return;
        const found = (await response.json()).projects;
        found.forEach((project) => projects.set(project.name, project.id));
        $("#desk-projects").replaceChildren(...found.map((project) => {
            const option = document.createElement("option");
            option.value = project.name;
            return option;
        }));
    }, 250);
});

export function openFilter() {
    const { project, priority, zone, owner } = state.facts.wanted;
    if (project) projects.set(project.name, project.id);
    $("#desk-project").value = project?.name ?? "";
    $("#desk-priority").value = priority ?? "";
    $("#desk-zone").value = zone;
    $("#desk-mine").checked = owner;
    open("#desk-filter");
}

export function want() {
    const project = $("#desk-project");
    const typed = project.value.trim();
    if (typed && !projects.has(typed)) {
        project.setCustomValidity("Choose a project from the list.");
        project.reportValidity();
        project.setCustomValidity("");
        return;
    }
    act("want", {
        project: projects.get(typed) ?? "",
        priority: $("#desk-priority").value, zone: $("#desk-zone").value, owner: $("#desk-mine").checked,
    }).then(closeDialogs);
}
