// In a notebook the explorer's model is shared with Python. On a page it is this: the state that the
// notebook stored beside the picture, and nobody else to tell of a change.
class PageModel {
  #state;
  #listeners = new Map();

  constructor(state) {
    this.#state = state;
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

  save_changes() {}

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
  for (const el of document.querySelectorAll(".normgd-explorer")) {
    const picture = [...el.childNodes]; // what the reader keeps if anything goes wrong
    try {
      const model = new PageModel(JSON.parse(el.querySelector("script.normgd-state").textContent));
      render({ model, el });
    } catch (error) {
      el.replaceChildren(...picture);
      console.error("The explorer could not start.", error);
    }
  }
});
