// The norm ball: the steepest step of length 1 in three norms (normgd/explorers/norm_ball.py).

function norm_ball(plot, pieces) {
  const { balls, norms } = plot;
  const reach = plot.figures.plane.x.high;
  const names = Object.keys(norms);
  const downhill = (name, g) => pieces[name](g).map((x) => -x);

  const turns = Object.fromEntries(names.map((name) =>
    [name, turning(balls.Unit.map((g) => downhill(name, g)), 30)]));

  return {
    compute({ angle }) {
      const g = heading(angle);
      const across = [-g[1], g[0]];
      const marks = { gradient: [[0, 0], g], now: upright(angle), tip: [g] };
      const numbers = {};
      for (const name of names) {
        const d = downhill(name, g);
        marks[`ball ${name}`] = balls[name];
        marks[`edge ${name}`] = [-2, 2].map((side) => d.map((x, i) => x + side * reach * across[i]));
        marks[`step ${name}`] = [[0, 0], d];
        marks[`here ${name}`] = [[angle, degrees(d)]];
        marks[`turn ${name}`] = turns[name];
        numbers[name] = degrees(d);
        numbers[`slope of ${name}`] = g[0] * d[0] + g[1] * d[1];
      }
      return { marks, numbers };
    },
    tell: (values, numbers) => names.map((name) =>
      [`in ${norms[name]}`, `${inDegrees(numbers[name])}, slope ${short(numbers[`slope of ${name}`])}`]),
    drag: { tip: turned },
    python: ({ angle }) => [
      "import numpy as np",
      "import normgd as ng",
      `theta = np.deg2rad(${angle})`,
      "g = np.array([np.cos(theta), np.sin(theta)])",
      "steps = [-piece(g) for piece in (ng.Unit(), ng.Sign(), ng.Greedy())]",
      "print([(d, g @ d) for d in steps])",
    ].join("\n"),
  };
}
