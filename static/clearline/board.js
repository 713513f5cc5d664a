// The chart of the last fourteen days. Its numbers also stand in a table that screen readers find.
(() => {
    "use strict";

    const source = document.getElementById("days-data");
    const canvas = document.querySelector("[data-days]");
    if (!source || !canvas) return;
    const days = JSON.parse(source.textContent);

    const table = document.querySelector("[data-days-table]");
    days.labels.forEach((label, index) => {
        const row = table.insertRow();
        [label, days.calls[index], days.reached[index]].forEach((text) => { row.insertCell().textContent = text; });
    });

    if (typeof Chart === "undefined") return;
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    const data = (label, values, fill) => ({ label, data: values, backgroundColor: fill, borderRadius: 3, maxBarThickness: 22 });
    new Chart(canvas, {
        type: "bar",
        data: {
            labels: days.labels,
            datasets: [
                data("Calls", days.calls, color("--color-primary-300")),
                data("Conversations", days.reached, color("--color-primary-700")),
            ],
        },
        options: {
            animation: false,
            maintainAspectRatio: false,
            plugins: { legend: { position: "top", align: "end", labels: { boxWidth: 12, color: color("--cl-text") } } },
            scales: {
                x: { grid: { display: false }, ticks: { color: color("--cl-soft") } },
                y: { beginAtZero: true, ticks: { precision: 0, color: color("--cl-soft") }, grid: { color: color("--cl-line") } },
            },
        },
    });
})();
