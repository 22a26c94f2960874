// One entry for all explorers. It asks for `model` as anywidget does; a page without a kernel gives a
// stand-in.

const PANELS = { compass, epsilon, u_curve, norm_ball, minibatch };
const EXPLORERS = { plane: race, line: race };
for (const [kind, make] of Object.entries(PANELS)) EXPLORERS[kind] = panel(make);

function render({ model, el }) {
  return EXPLORERS[model.get("plot").kind]({ model, el });
}

// The page keeps settings in its address; tests compare the rest with the library.
Object.assign(render, {
  compile, trajectory, fate, python, telling,
  readSettings: (number, fragment, plot) => (plot.kind in PANELS ? readValues : readSettings)(number, fragment, plot),
  writeSettings: (number, state, plot) => (plot.kind in PANELS ? writeValues : writeSettings)(number, state, plot),
  own: (plot) => PANELS[plot.kind](plot, compileAll(plot)),
});

export default { render };
