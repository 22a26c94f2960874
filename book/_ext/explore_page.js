// In a notebook the explorer's model is shared with Python. On a page it is this: the state that the
// notebook stored beside the picture, and a change is told to the page's address, so that it can be
// passed on as a link.
class PageModel {
  #state;
  #listeners = new Map();

  constructor(state, save) {
    this.#state = state;
    this.save_changes = save;
  }

  get(name) {
    return this.#state[name];
  }

  set(name, value) {
    if (this.#state[name] === value) return;
    this.#state[name] = value;
    for (const event of [`change:${name}`, "change"]) {
      for (const listener of this.#listeners.get(event) ?? []) listener(this, value);
    }
  }

  on(event, listener) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    this.#listeners.get(event).add(listener);
  }

  off(event, listener) {
    if (listener) this.#listeners.get(event)?.delete(listener);
    else if (event) this.#listeners.delete(event);
    else this.#listeners.clear();
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const linked = () => location.hash.startsWith("#explore&");
  const models = new Map(); // by their number on the page

  let writing = 0;
  const save = () => (writing ||= setTimeout(write, 400)); // browsers refuse to be told more often

  /** Write what the reader has changed into the address, and leave an address without settings alone. */
  function write() {
    writing = 0;
    const pairs = [...models].flatMap(([number, model]) => {
      const plot = model.get("plot");
      const state = Object.fromEntries(Object.keys(plot.initial).map((name) => [name, model.get(name)]));
      return render.writeSettings(number, state, plot);
    });
    if (!pairs.length && !linked()) return;
    const fragment = pairs.length ? `#explore&${new URLSearchParams(pairs)}` : "";
    history.replaceState(history.state, "", location.pathname + location.search + fragment);
  }

  [...document.querySelectorAll(".normgd-explorer")].forEach((el, i) => {
    const picture = [...el.childNodes]; // what the reader keeps if anything goes wrong
    try {
      const stored = JSON.parse(el.querySelector("script.normgd-state").textContent);
      const settings = linked() ? render.readSettings(i + 1, location.hash.slice(1), stored.plot) : {};
      const model = new PageModel({ ...stored, ...settings }, save);
      render({ model, el });
      models.set(i + 1, model);
      if (linked() && location.hash.startsWith(`#explore&${i + 1}.`)) el.scrollIntoView();
    } catch (error) {
      el.replaceChildren(...picture);
      console.error("The explorer could not start.", error);
    }
  });

  // Another link to the same page.
  addEventListener("hashchange", () => {
    if (!linked()) return;
    for (const [number, model] of models) {
      const settings = render.readSettings(number, location.hash.slice(1), model.get("plot"));
      for (const name of Object.keys(settings)) model.set(name, settings[name]);
    }
  });
});
