// Says at once, while a value is typed, that it is beyond its limits; the server judges again when it is booked.
"use strict";
(() => {
  const read = (text) => {
    const value = text.trim().replace(/^(-?\d+),(\d+)$/, "$1.$2");
    return value === "" ? null : Number(value);
  };
  const judge = (input) => {
    const value = read(input.value), { lower, upper } = input.dataset;
    if (value === null) return "";
    if (Number.isNaN(value)) return "not a number";
    if (lower && value < Number(lower)) return `below ${lower}`;
    return upper && value > Number(upper) ? `above ${upper}` : "";
  };
  const show = (input) => {
    const verdict = judge(input), output = input.parentElement.querySelector("output");
    input.toggleAttribute("aria-invalid", verdict !== "");
    if (verdict) input.setAttribute("aria-invalid", "true");
    output.textContent = verdict;
  };
  for (const input of document.querySelectorAll("input[data-upper]")) {
    input.addEventListener("input", () => show(input));
    show(input);
  }
})();
