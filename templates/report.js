"use strict";
// Marks the counterparts of the rule that is pointed at or focused, and brings
// the first of them into sight. Without this the page has its links.
for (const side of document.querySelectorAll(".side")) {
  let marked = [];
  const mark = (rule) => {
    for (const one of marked) one.classList.remove("marked");
    marked = [];
    if (!rule) return;
    const counterparts = rule.dataset.to.split(" ").map((id) => document.getElementById(id)).filter(Boolean);
    marked = [rule, ...counterparts];
    for (const one of marked) one.classList.add("marked");
    if (counterparts.length > 0) show(counterparts[0]);
  };
  const show = (rule) => {
    const side = rule.closest(".side");
    if (side.scrollHeight <= side.clientHeight) return;
    const seen = side.getBoundingClientRect();
    const box = rule.getBoundingClientRect();
    if (box.top >= seen.top && Math.min(box.bottom, box.top + 60) <= seen.bottom) return;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const top = side.scrollTop + box.top - seen.top - side.clientHeight / 4;
    side.scrollTo({ top, behavior: isCalm ? "auto" : "smooth" });
  };
  const rule = (event) => event.target.closest("[data-to]");
  side.addEventListener("pointerover", (event) => mark(rule(event)));
  side.addEventListener("pointerleave", () => mark(null));
  side.addEventListener("focusin", (event) => mark(rule(event)));
  side.addEventListener("focusout", () => mark(null));
}
