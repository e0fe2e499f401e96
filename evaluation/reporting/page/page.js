// The interactive page of measurements: alone in a file, beside data.json, or inside TensorBoard.
//
// Its data is that of evaluation.reporting.page.data, from the element `data` or, without one, from
// data.json beside this file. Text from outside only ever becomes text nodes and attributes.

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = 10;

// ---- Elements

function build(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "place") for (const [name, v] of Object.entries(value)) node.style.setProperty(name, v);
    else if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(key, value === true ? "" : value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}
const make = (name, attributes = {}, ...children) => build(document.createElement(name), attributes, children);
const draw = (name, attributes = {}, ...children) => build(document.createElementNS(SVG, name), attributes, children);

const known = (value) => value !== null && value !== undefined;
const spaced = (name) => name.replaceAll("_", " ");
const note = (...text) => make("p", { class: "note" }, ...text);
const figure = (title, ...rest) => make("figure", {}, make("figcaption", {}, title), ...rest);
const fold = (title, ...rest) => make("details", {}, make("summary", {}, title), ...rest);

function number(value, signed = false) {
  if (!known(value)) return "–";
  const small = value !== 0 && Math.abs(value) < 0.001;
  const text = small ? Math.abs(value).toPrecision(2)
    : Math.abs(value).toFixed(Math.abs(value) < 10 ? 3 : 1);
  return (value < 0 ? "−" : signed ? "+" : "") + text;
}
const ends = ([, low, high], signed = false) => !known(low) ? ""
  : number(low, signed) + (signed ? " to " : "–") + number(high, signed);
const interval = (three, signed = false) => !three ? "–"
  : number(three[0], signed) + (known(three[1]) ? ` (${ends(three, signed)})` : "");
const stacked = (three) => (three ? [number(three[0]), make("small", {}, ends(three))] : "–");

const redraw = (state) => state.refresh.forEach((refresh) => refresh());

// A list of which one is chosen, kept in the state under a key.
function choice(state, key, label, options) {
  const list = make("select", { onchange: () => { state[key] = list.value; redraw(state); } },
    options.map(([value, text]) => make("option", { value, selected: value === state[key] }, text)));
  return make("label", {}, label, " ", list);
}
const controls = (...children) => make("div", { class: "controls" }, ...children);

function table(header, rows, about) {
  const [first, ...rest] = header;
  return make("div", { class: "wide", tabindex: 0, role: "region", "aria-label": about },
    make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, first),
      rest.map((text) => make("th", { scope: "col", class: "number" }, text)))),
    make("tbody", {}, rows.map(([name, ...cells]) => make("tr", {}, make("th", { scope: "row" }, name),
      cells.map((cell) => make("td", { class: "number" }, cell)))))));
}

function section(state, title, about, fill) {
  const body = make("div");
  const refresh = () => body.replaceChildren(...[fill()].flat(Infinity).filter(known));
  state.refresh.push(refresh);
  refresh();
  return make("section", {}, make("h3", {}, title), about ? note(about) : null, body);
}

// ---- Reading values: with a pointer, or with the arrow keys

let tip = null;

function say(lines, x, y) {
  tip.replaceChildren(...lines.map(([text, style]) => make("div", { class: style }, text)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const [w, h] = [document.documentElement.clientWidth, document.documentElement.clientHeight];
  tip.style.left = `${Math.max(4, Math.min(x + 14, w - width - 4))}px`;
  tip.style.top = `${Math.max(4, y + 18 + height > h ? y - height - 10 : y + 18)}px`;
}

// `find` gives the index under a point of the drawing, `tell` the lines to say and where they are.
function readable(svg, count, columns, start, find, tell) {
  let at = start;
  const placed = () => {
    const { left, top, width } = svg.getBoundingClientRect();
    return [left, top, width / svg.viewBox.baseVal.width];
  };
  const show = (index, x, y) => {
    at = index;
    const { lines, point } = tell(at);
    const [left, top, scale] = placed();
    say(lines, x ?? left + point[0] * scale, y ?? top + point[1] * scale);
  };
  const hide = () => { tip.hidden = true; svg.querySelector(".cursor")?.remove(); };
  svg.addEventListener("pointermove", (event) => {
    const [left, top, scale] = placed();
    const index = find((event.clientX - left) / scale, (event.clientY - top) / scale);
    if (index === null) hide(); else show(index, event.clientX, event.clientY);
  });
  for (const leaving of ["pointerleave", "blur"]) svg.addEventListener(leaving, hide);
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (event.key === "Escape") hide();
    if (!step) return;
    event.preventDefault();
    show(Math.max(0, Math.min(count - 1, at + step)));
  });
}

// ---- A plot of lines over a row of positions

function plot({ about, positions, ticks, unit, lines, identity, width, height }) {
  const [left, right, top, bottom] = [38, 10, 8, 34];
  const values = lines.flatMap((line) => line.points.flat()).filter(known);
  const inside = values.every((v) => v >= 0 && v <= 1);
  const [low, high] = inside ? [0, 1] : [Math.min(0, ...values), Math.max(...values)];
  const [from, to] = [positions[0], positions.at(-1)];
  const x = (v) => left + (width - left - right) * (from === to ? 0.5 : (v - from) / (to - from));
  const y = (v) => height - bottom - (height - top - bottom) * (v - low) / (high - low || 1);
  const upright = (style, v) =>
    draw("line", { class: style, x1: x(v), x2: x(v), y1: top, y2: height - bottom });
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "plot", tabindex: 0,
    role: "img", "aria-label": `${about}. Arrow keys read the values.` });
  for (let k = 0; k <= 4; k++) {
    const v = low + (high - low) * k / 4;
    svg.append(draw("line", { class: "grid", x1: left, x2: width - right, y1: y(v), y2: y(v) }),
      draw("text", { x: left - 4, y: y(v) + 3.5, "text-anchor": "end" }, v.toFixed(2)));
  }
  const text = (at, y, words) => draw("text", { x: at, y, "text-anchor": "middle" }, words);
  svg.append(...ticks.map(([v, words]) => text(x(v), height - bottom + 14, words)),
    text((left + width - right) / 2, height - 4, unit));
  if (known(identity)) svg.append(upright("identity", identity));
  const at = (v, k) => `${x(positions[k]).toFixed(1)},${y(v).toFixed(1)}`;
  for (const line of lines) {
    const [middle, below, above] = line.points;
    const whole = positions.map((_, k) => k).filter((k) => known(below[k]) && known(above[k]));
    if (line.told && whole.length > 1) {
      const edge = [...whole.map((k) => at(above[k], k)), ...whole.reverse().map((k) => at(below[k], k))];
      svg.append(draw("polygon", { class: `band ${line.style}`, points: edge.join(" ") }));
    }
    let path = "";
    middle.forEach((v, k) => {
      if (known(v)) path += (k && known(middle[k - 1]) ? "L" : "M") + at(v, k);
    });
    svg.append(draw("path", { class: `line ${line.style}${line.dashed ? " dashed" : ""}`, d: path },
      draw("title", {}, line.name)));
  }
  const near = (v) => positions.reduce((best, p, k) =>
    Math.abs(x(p) - v) < Math.abs(x(positions[best]) - v) ? k : best, 0);
  const start = Math.max(0, positions.indexOf(identity));
  readable(svg, positions.length, 1, start, near, (k) => {
    svg.querySelector(".cursor")?.remove();
    svg.append(upright("cursor", positions[k]));
    const told = lines.filter((line) => line.told && known(line.points[0][k]))
      .sort((a, b) => b.points[0][k] - a.points[0][k]);
    const heading = ticks.find(([v]) => v === positions[k])?.[1] ?? positions[k];
    return { point: [x(positions[k]), top], lines: [[`${heading} ${unit}`, "strong"],
      ...told.map((line) => [`${line.name}: ${interval(line.points.map((p) => p[k]))}`, line.style])] };
  });
  return svg;
}

function ticksOf(strengths, identity, most) {
  const step = Math.ceil(strengths.length / most);
  const start = Math.max(0, strengths.indexOf(identity)) % step;
  return strengths.filter((_, k) => k % step === start).map((v) => [v, String(v)]);
}

// ---- Which models are in colour

function bestAndWorst(group) {
  const every = group.models.map((_, k) => k); // in the order of the leaderboard
  const apart = new Set(group.boards[0]?.rows.filter((row) => row.apart).map((row) => row.model));
  const placed = every.filter((model) => !apart.has(model));
  return every.length <= COLOURS ? every : [...new Set([...placed.slice(0, 3), ...placed.slice(-1)])];
}

function choose(state, models) {
  const slots = new Map([...state.slots].filter(([model]) => models.includes(model)));
  for (const model of models) {
    if (slots.has(model)) continue;
    const taken = new Set(slots.values());
    const free = [...Array(COLOURS).keys()].find((slot) => !taken.has(slot));
    slots.set(model, free ?? slots.size % COLOURS);
  }
  state.slots = slots;
}
const styleOf = (state, model) => state.slots.has(model) ? `c${state.slots.get(model)}` : "rest";
const chosen = (state) => [...state.slots.keys()].sort((a, b) => a - b);

function legend(group, state) {
  const set = (models) => { choose(state, models); redraw(state); };
  const all = group.models.map((_, k) => k);
  const button = (text, models) => make("button", { type: "button", onclick: () => set(models) }, text);
  return make("fieldset", { class: "legend" }, make("legend", {}, "Models in colour"),
    controls(button("best and worst", bestAndWorst(group)), button("all", all), button("none", [])),
    make("div", { class: "models" }, all.map((model) => make("label", { class: styleOf(state, model) },
      make("input", { type: "checkbox", checked: state.slots.has(model), onchange: (event) =>
        set(event.target.checked ? [...chosen(state), model] : chosen(state).filter((m) => m !== model)) }),
      make("span", { class: "swatch" }), group.models[model]))));
}

// ---- Sections

function bar(three, low, high, zero = null) {
  const at = (v) => Math.max(0, Math.min(100, 100 * (v - low) / (high - low || 1)));
  const [from, to] = [three[1] ?? three[0], three[2] ?? three[0]].map(at);
  return make("span", { class: "bar", "aria-hidden": "true" },
    known(zero) ? make("span", { class: "zero", place: { left: `${at(zero)}%` } }) : null,
    make("span", { class: "ends", place: { left: `${from}%`, right: `${100 - to}%` } }),
    make("span", { class: "dot", place: { left: `${at(three[0])}%` } }));
}

function board(group, { title, where, rows }) {
  const values = rows.flatMap((row) => row.value ?? []).filter(known);
  const [low, high] = [Math.floor(10 * Math.min(...values)) / 10, Math.ceil(10 * Math.max(...values)) / 10];
  const cells = rows.map((row) => make("tr", { class: row.apart ? "apart" : row.first ? "first" : "" },
    make("td", { class: "place" }, row.place),
    make("th", { scope: "row" }, group.models[row.model]),
    make("td", { class: "grow" }, row.value ? bar(row.value, low, high) : null),
    make("td", { class: "number" }, interval(row.value)),
    make("td", { class: "number optional" }, row.behind ? interval(row.behind) : ""),
    make("td", { class: "optional" }, row.apart || row.breaks)));
  const scale = make("span", { class: "scale" }, [low, high].map((v) => make("span", {}, v.toFixed(1))));
  const head = [["", "place"], ["", "model"], ["grow", scale], ["number", "share"],
    ["number optional", "behind the first"], ["optional", "breaks first under"]];
  return figure([make("strong", {}, title), make("br"), where],
    make("table", { class: "board" }, make("thead", {}, make("tr", {}, head.map(([style, text]) =>
      make("th", { scope: "col", class: style }, text)))), make("tbody", {}, cells)));
}

function curves(group, state) {
  const names = [...new Set(group.curves.flatMap((curve) => Object.keys(curve.scores)))]
    .filter((name) => group.scores[name]);
  state.score = names.includes(state.score) ? state.score
    : ["accuracy", "top1_agreement"].find((name) => names.includes(name)) ?? names[0];
  const shown = group.curves.filter((curve) => curve.scores[state.score] &&
    (state.curve === "all" || state.curve === curve.name));
  const big = shown.length === 1;
  const lines = shown[0]?.scores[state.score].lines ?? {};
  const about = group.scores[state.score];
  return [
    controls(choice(state, "score", "Score", names.map((name) => [name, group.scores[name].label])),
      choice(state, "curve", "Transformation", [["all", "all"],
        ...group.curves.map(({ name }) => [name, spaced(name)])])),
    legend(group, state),
    note(`${about.label}: ${about.higher ? "higher" : "lower"} is better. Bands are 95 % intervals, ` +
      "dashed lines the resampling floor, the vertical line the identity."),
    make("div", { class: big ? "" : "panels" }, shown.map((curve) => figure(
      [make("strong", {}, spaced(curve.name)), ` ${[...new Set(curve.scores[state.score].n)].join("–")} images`],
      curvePlot(group, state, curve, big)))),
    big ? fold("These values as a table", table(["model", ...shown[0].strengths.map(String)],
      chosen(state).filter((model) => lines[model]).map((model) =>
        [group.models[model], ...lines[model][0].map((v) => number(v))]), "values")) : null,
  ];
}

function curvePlot(group, state, curve, big) {
  const of = (score, dashed) => Object.entries(curve.scores[score]?.lines ?? {}).map(
    ([model, points]) => ({ points, dashed, name: group.models[model] + (dashed ? ", floor" : ""),
      style: styleOf(state, Number(model)), told: !dashed && state.slots.has(Number(model)) }));
  const rank = (line) => (line.style === "rest" ? 0 : 1);
  const floors = of(`${state.score}_floor`, true).filter(rank);
  const lines = [...floors, ...of(state.score, false)].sort((a, b) => rank(a) - rank(b));
  return plot({ about: `${group.scores[state.score].label} under ${spaced(curve.name)}`,
    positions: curve.strengths, ticks: ticksOf(curve.strengths, curve.identity, big ? 13 : 7),
    unit: curve.unit, lines, identity: curve.identity,
    width: big ? Math.max(320, Math.min(960, state.width)) : 340, height: big ? 380 : 220 });
}

function summaries(group, state) {
  const found = group.summaries.find((one) => one.score === state.summary) ?? group.summaries[0];
  const label = (name) => group.scores[name]?.label ?? spaced(name);
  return [
    controls(choice(state, "summary", "Table", group.summaries.map(({ score }) => [score, label(score)]))),
    table(["model", ...found.curves.map(spaced)], found.cells.map((cells, model) =>
      [group.models[model], ...cells.map(stacked)])
      .filter((_, model) => found.cells[model].some(known)), label(found.score)),
  ];
}

const shade = (v) => `hsl(${Math.round(270 - 215 * v)} 60% ${Math.round(14 + 66 * v)}%)`;
function heatMap(map, grid, name) {
  const [columns, rows, left, top] = [map.first.length, map.second.length, 34, 4];
  const cell = 220 / Math.max(columns, rows);
  const [width, height] = [left + columns * cell + 4, top + rows * cell + 32];
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, class: "map", tabindex: 0, role: "img",
    "aria-label": `Accuracy of ${name} under ${spaced(map.name)}. Arrow keys read the values.` });
  grid.forEach((line, j) => line.forEach((v, i) => svg.append(draw("rect", {
    x: left + i * cell, y: top + j * cell, width: cell + 0.3, height: cell + 0.3,
    fill: known(v) ? shade(v) : "none" }))));
  const few = (axis) => [...axis.entries()].filter(([k]) => k % Math.ceil(axis.length / 5) === 0);
  const text = (x, y, side, v) => draw("text", { x, y, "text-anchor": side }, v);
  svg.append(...few(map.first).map(([i, v]) => text(left + (i + 0.5) * cell, height - 18, "middle", v)),
    ...few(map.second).map(([j, v]) => text(left - 3, top + (j + 0.5) * cell + 3.5, "end", v)),
    text(left + columns * cell / 2, height - 4, "middle", map.axes.map(spaced).join(", down: ")));
  const find = (x, y) => {
    const [i, j] = [Math.floor((x - left) / cell), Math.floor((y - top) / cell)];
    return i >= 0 && j >= 0 && i < columns && j < rows ? j * columns + i : null;
  };
  readable(svg, columns * rows, columns, 0, find, (k) => {
    const [i, j] = [k % columns, Math.floor(k / columns)];
    return { point: [left + (i + 0.5) * cell, top + (j + 0.5) * cell], lines: [
      [`${map.first[i]}, ${map.second[j]}`, "strong"], [`accuracy ${number(grid[j][i])}`, ""]] };
  });
  return figure(name, svg);
}

function maps(group, state) {
  return group.maps.map((map) => [make("h4", {}, spaced(map.name)), make("div", { class: "maps" },
    chosen(state).filter((model) => map.grids[model]).map((model) =>
      heatMap(map, map.grids[model], group.models[model])))]);
}

function differences(group, state) {
  const found = group.differences.find((one) => one.score === state.paired) ?? group.differences[0];
  const compared = [...new Set(Object.keys(found.pairs).flatMap((pair) => pair.split(",")))];
  const options = compared.sort((a, b) => a - b).map((model) => [model, group.models[model]]);
  state.b ??= compared[0]; // the first two of the leaderboard
  state.a ??= compared[1];
  const [a, b] = [Number(state.a), Number(state.b)];
  const stored = found.pairs[`${Math.min(a, b)},${Math.max(a, b)}`];
  const less = (v) => (known(v) ? -v : null);
  const rows = a === b ? [] : stored.map(([v, low, high]) => a < b ? [v, low, high]
    : [less(v), less(high), less(low)]);
  const far = Math.max(0.01, ...rows.flat().filter(known).map(Math.abs));
  return [
    controls(choice(state, "b", "The model", options), choice(state, "a", "minus", options),
      choice(state, "paired", "in", group.differences.map(({ score }) =>
        [score, group.scores[score]?.label ?? spaced(score)]))),
    a === b ? make("p", {}, "Choose two different models.") : make("table", { class: "board" },
      make("tbody", {}, rows.map((three, k) => make("tr", {},
        make("th", { scope: "row" }, spaced(found.curves[k])),
        make("td", { class: "grow" }, bar(three, -far, far, 0)),
        make("td", { class: "number" }, interval(three, true)))))),
  ];
}

function classes(group, state) {
  const { names, n, curves: moved, cells } = group.classes;
  state.classModel ??= Object.keys(cells)[0];
  return [
    controls(choice(state, "classModel", "Model", Object.keys(cells).map((k) => [k, group.models[k]]))),
    table(["class", "images", ...moved.map(spaced)], names.map((name, k) => [name, String(n[k]),
      ...cells[state.classModel][k].map(stacked)]), "accuracy by class"),
  ];
}

const answered = (name, confidence, value) => !name ? `agreement ${number(value)}`
  : `“${name}”${known(confidence) ? ` (${confidence.toFixed(2)})` : ""}`;

function worst(group, state) {
  const models = [...new Set(group.worst.map((one) => one.model))].sort((a, b) => a - b);
  state.worstModel ??= String(models[0]);
  return [
    controls(choice(state, "worstModel", "Model", models.map((k) => [String(k), group.models[k]]))),
    make("div", { class: "cards" }, group.worst.filter((one) => String(one.model) === state.worstModel)
      .map((one) => make("div", { class: "card" }, ["reference", "transformed"].map((text, k) =>
        make("img", { src: group.pictures[one.pictures[k]], alt: text, loading: "lazy" })),
      make("strong", {}, `${spaced(one.name)} ${one.strength} ${one.unit}`), make("br"),
      one.before ? `${answered(one.before, one.before_confidence)} → ` : "",
      answered(one.after, one.after_confidence, one.value),
      note(`image ${one.image}${one.true ? `, truly “${one.true}”` : ""}`)))),
  ];
}

function moving(group, state) {
  state.moving ??= group.moving[0].name;
  const found = group.moving.find((one) => one.name === state.moving);
  const image = make("img", { class: "large", alt: "the image as it is transformed" });
  const where = make("output");
  const answers = make("div");
  const slider = make("input", { type: "range", min: 0, max: found.strengths.length - 1,
    "aria-label": "strength", oninput: () => show(Number(slider.value)) });
  const show = (k) => {
    slider.value = k;
    image.src = group.pictures[found.pictures[k]];
    where.textContent = `${found.strengths[k]} ${found.unit}`;
    slider.setAttribute("aria-valuetext", where.textContent);
    answers.replaceChildren(...chosen(state).filter((model) => found.answers[model]).map((model) => {
      const lost = found.answers[model][k][2] < 0.5;
      return make("div", { class: lost ? "lost" : "" },
        `${lost ? "✗" : "✓"} ${group.models[model]}: ${answered(...found.answers[model][k])}`);
    }));
  };
  const next = () => show((Number(slider.value) + 1) % found.strengths.length);
  const play = make("button", { type: "button", onclick: () => {
    clearInterval(state.timer);
    state.timer = play.textContent === "Stop" ? null : setInterval(next, 350);
    play.textContent = state.timer ? "Stop" : "Play";
  } }, "Play");
  clearInterval(state.timer);
  show(found.strengths.indexOf(found.identity));
  return [
    controls(choice(state, "moving", "Transformation", group.moving.map(({ name }) =>
      [name, spaced(name)])), play, slider, where),
    note(`Image ${found.image}${found.true ? `, truly “${found.true}”` : ""}.`),
    make("div", { class: "cards" }, image, answers),
  ];
}

function strips(group) {
  return group.strips.map((strip) => fold(spaced(strip.name), make("div", { class: "cards" },
    strip.pictures.map((k, i) => figure(String(strip.strengths[i]),
      make("img", { src: group.pictures[k], alt: "", loading: "lazy" }))))));
}

function profiles(group) {
  return group.profiles.map((profile) => [make("h4", {}, group.models[profile.model]),
    make("div", { class: "panels" }, profile.quantities.map(({ name, lines }) => {
      const positions = profile.layers.map((_, k) => k);
      const styled = lines.map(([of, points], k) => ({ points, name: spaced(of), style: `c${k}`, told: true }));
      return figure(spaced(name), plot({ about: spaced(name), positions, unit: "layer", width: 340,
        height: 220, ticks: positions.map((k) => [k, String(k + 1)]), lines: styled }),
      make("ul", { class: "models" }, styled.map((line) => make("li", { class: line.style },
        make("span", { class: "swatch" }), line.name))));
    })), note(profile.layers.map((name, k) => `${k + 1} ${name}`).join(", "))]);
}

function protocol(group) {
  const { versions, date, processor } = group.protocol;
  return [
    make("ul", {}, group.facts.map((fact) => make("li", {}, fact))),
    note(Object.entries(versions).map(([name, v]) => `${name} ${v}`).join(", "), `; ${processor}; ${date}`),
    fold("The whole protocol", make("pre", { tabindex: 0 }, Object.entries(group.protocol).map(
      ([name, v]) => `${name}\n${[v].flat().map((one) => JSON.stringify(one)).join("\n")}\n\n`))),
  ];
}

// ---- The page

function page(group, width) {
  const state = { refresh: [], slots: new Map(), curve: "all", summary: "invariance_score", width };
  choose(state, bestAndWorst(group));
  const add = (wanted, fill, title, about) =>
    (wanted ? section(state, title, about, () => fill(group, state)) : null);
  const { total, names } = group.classes ?? { total: 0, names: [] };
  return make("article", {}, make("h2", {}, group.title),
    make("div", { class: "words" }, group.words.map((line) => make("p", {}, line))),
    group.boards.map((one) => board(group, one)),
    group.boards.length ? note("Models that paired tests cannot tell apart share places. Bars are " +
      "95 % intervals; a shaded row may be the best.") : null,
    add(group.curves.length, curves, "Curves"),
    add(group.summaries.length, summaries, "Summaries of curves"),
    add(group.differences.length, differences, "Differences of two models", "Means over all strengths " +
      "but the identity, on the same images, with 95 % intervals of this pair alone."),
    add(group.maps.length, maps, "Position maps", "Accuracy by position, dark 0, light 1; of models in colour."),
    add(group.worst.length, worst, "Worst examples", "Images answered otherwise nearest to the identity."),
    add(group.moving.length, moving, "An image that is lost"),
    add(group.classes, classes, "Accuracy by class", "Means over all strengths but the identity" +
      (total > names.length ? `; the ${names.length} of ${total} classes that are least known.` : ".")),
    add(group.profiles.length, profiles, "Layers"),
    add(group.strips.length, strips, "What was shown"),
    add(true, protocol, "Protocol"));
}

function theme() {
  const { dataset } = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  dataset.theme = (dataset.theme ?? dark) === "dark" ? "light" : "dark";
}

// Inside TensorBoard the page is as dark as what is around it.
function follow(around) {
  const take = () => { document.documentElement.dataset.theme = around.matches(".dark-mode") ? "dark" : "light"; };
  new MutationObserver(take).observe(around, { attributeFilter: ["class"] });
  take();
}

export async function render() {
  const root = document.getElementById("report") ?? document.body.appendChild(make("main", { id: "report" }));
  const inline = document.getElementById("data");
  let data = { groups: [] };
  try {
    const style = { id: "style", rel: "stylesheet", href: new URL("page.css", import.meta.url) };
    if (!document.getElementById("style")) document.head.append(make("link", style));
    if (!inline && frameElement) follow(frameElement.ownerDocument.body);
    data = inline ? JSON.parse(inline.textContent)
      : await (await fetch(new URL("data.json", import.meta.url))).json();
  } catch (error) {
    root.replaceChildren(make("p", {}, `The data could not be read: ${error.message}`));
    return;
  }
  tip = make("div", { class: "tip", role: "status", hidden: true });
  root.replaceChildren(make("header", {}, make("h1", {}, "What the models keep when images change"),
    make("button", { type: "button", onclick: theme }, "Light or dark")),
  data.groups.length ? "" : make("p", {}, "There are no measurements yet."),
  ...(data.notes ?? []).map((line) => note(line)), ...data.groups.map((group) => page(group, root.clientWidth - 32)), tip);
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...root.querySelectorAll("details:not([open])")];
    closed.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((one) => { one.open = false; }));
}

if (document.getElementById("report")) render();
