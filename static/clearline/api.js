// Sends what is written in a form as JSON, with the session's CSRF token, and shows the answer in place.
"use strict";

const answer = document.getElementById("answer");

async function send(form) {
  const method = form.dataset.method;
  const body = form.querySelector("textarea")?.value;
  const headers = { Accept: "application/json", "X-CSRFToken": document.body.dataset.csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(form.action, { method, headers, body, credentials: "same-origin" });
  const text = await response.text();
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    // Not JSON, for example the empty body of a 204.
  }
  answer.textContent = `HTTP ${response.status} ${response.statusText}\n${shown}`;
  answer.focus();
}

for (const form of document.querySelectorAll("form.write")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form).catch((error) => { answer.textContent = `The request did not get through: ${error.message}`; });
  });
}

for (const form of document.querySelectorAll("form.filters")) {
  // An empty field is no filter; left in, it would be an empty value.
  form.addEventListener("submit", () => {
    for (const field of form.elements) if (field.name && !field.value) field.disabled = true;
  });
}
