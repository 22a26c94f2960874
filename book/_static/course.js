// What the theme leaves out for people who read with a keyboard or a screen reader (checked with axe-core).
document.addEventListener("DOMContentLoaded", () => {
  const each = (selector, action) => document.querySelectorAll(selector).forEach(action);

  // A label must contain the text that is seen: "Search Ctrl+K", "Show code cell source".
  each(".search-button-field, details > summary[aria-label]", (e) => e.removeAttribute("aria-label"));
  each(".theme-switch-button", (e) => e.setAttribute("aria-label", "Colour mode"));
  each(".bd-sidebar-primary", (e) => {
    e.setAttribute("role", "navigation");
    e.setAttribute("aria-label", "Course");
  });
  each(".citation-list, [role=doc-biblioentry]", (e) => e.removeAttribute("role"));

  // A box that scrolls sideways must be reachable by keyboard, and only then be a stop for it.
  const boxes = ".bd-article p, div.math, .pst-scrollable-table-container, .cell_output, .output.text_html, .highlight pre";
  const mark = () =>
    each(boxes, (e) => {
      if (e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX !== "visible") e.tabIndex = 0;
      else e.removeAttribute("tabindex");
    });
  addEventListener("resize", mark);
  addEventListener("load", () => (window.MathJax?.startup?.promise ?? Promise.resolve()).then(mark));

  // A link to a place inside a closed block opens it.
  const open = () => {
    const target = document.querySelector(":target");
    for (let e = target; e; e = e.parentElement) if (e.tagName === "DETAILS") e.open = true;
  };
  addEventListener("hashchange", open);
  open();

  // Paper cannot be unfolded, and it is white.
  const root = document.documentElement;
  let folded = [], theme;
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("article details:not([open])")];
    folded.forEach((e) => (e.open = true));
    theme = root.dataset.theme;
    root.dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    folded.forEach((e) => (e.open = false));
    root.dataset.theme = theme;
  });
});
