// One entry for all explorers. It asks for `model` as anywidget does; a page without a kernel gives a
// stand-in.

const EXPLORERS = { plane: race, line: race };

function render({ model, el }) {
  return EXPLORERS[model.get("plot").kind]({ model, el });
}

// The page keeps settings in its address; tests compare the rest with the library.
Object.assign(render, { compile, trajectory, fate, python, readSettings, writeSettings });

export default { render };
