// Keeps the page up to date: fetches it again every second and puts in the parts that have changed.
"use strict";

const SECOND = 1000;

function marked(root, name) {
  const found = new Map();
  for (const element of root.querySelectorAll(`[${name}]`)) found.set(element.getAttribute(name), element);
  return found;
}

function swap(part, fresh) {
  const counts = marked(part, "data-count");
  const rows = marked(part, "data-row");
  part.replaceChildren(...fresh.childNodes);
  for (const [key, element] of marked(part, "data-count")) {
    const before = counts.get(key);
    if (before && before.textContent !== element.textContent) element.classList.add("changed");
  }
  for (const [key, element] of marked(part, "data-row")) {
    if (rows.size > 0 && !rows.has(key)) element.classList.add("changed");
  }
}

async function refresh() {
  const answer = await fetch(location.href, { cache: "no-store" });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (fresh && fresh.innerHTML !== part.dataset.last) {
      // What was put in differs from what came where something in it was marked as changed.
      const text = fresh.innerHTML;
      if (part.dataset.last !== undefined || text !== part.innerHTML) swap(part, fresh);
      part.dataset.last = text;
    }
  }
}

async function keepUp() {
  const gone = document.getElementById("gone");
  try {
    if (!document.hidden && !document.getSelection().toString()) await refresh();
    gone.hidden = true;
  } catch {
    gone.hidden = false;
  }
  setTimeout(keepUp, SECOND);
}

if (document.querySelector("[data-live]")) setTimeout(keepUp, SECOND);
