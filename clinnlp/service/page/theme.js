// Light or dark: as the system has it, until the reader chooses.

const NEXT = { system: "light", light: "dark", dark: "system" };
const WORDS = { system: "Colours: as the system", light: "Colours: light", dark: "Colours: dark" };
const SIGNS = { system: "◐", light: "☀", dark: "☾" };

function stored() {
  try { return localStorage.getItem("theme") ?? "system"; } catch { return "system"; }
}

export function wireTheme(element) {
  const show = (theme) => {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    element.textContent = SIGNS[theme];
    element.setAttribute("aria-label", WORDS[theme]);
    element.title = WORDS[theme];
  };
  let theme = NEXT[stored()] ? stored() : "system";
  show(theme);
  element.addEventListener("click", () => {
    theme = NEXT[theme];
    try { localStorage.setItem("theme", theme); } catch { /* a browser may forbid it */ }
    show(theme);
  });
}
