// Small helpers. Text always becomes text nodes, so nothing a device sends can become markup.

const SVG = "http://www.w3.org/2000/svg";

export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const STATES = ["occupied", "free", "unknown", "stale", "closed"];

export function bayNow(bay) {
  if (bay.closed) return "closed";
  return bay.stale ? "stale" : bay.state;
}

export function dot(state) {
  return h("i", { class: `dot ${state}`, "aria-hidden": "true" });
}

export function meter(counts) {
  const label = STATES.filter((state) => counts[state]).map((state) => `${counts[state]} ${state}`).join(", ");
  const bar = h("div", { class: "meter", role: "img", "aria-label": label || "no bays" });
  for (const state of STATES) {
    if (!counts[state]) continue;
    const part = h("i", { class: state });
    part.style.flex = `${counts[state]} 0 0`;
    bar.append(part);
  }
  return bar;
}

export function legend(counts) {
  return h("div", { class: "legend" },
    STATES.filter((state) => counts[state] || state === "occupied" || state === "free")
      .map((state) => h("span", {}, dot(state), `${counts[state]} ${state}`)));
}

export function ago(iso, now = Date.now()) {
  if (!iso) return "never";
  const seconds = Math.max(0, (now - new Date(iso)) / 1000);
  return seconds < 5 ? "now" : `${span(seconds)} ago`;
}

export function span(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 86400) {
    const minutes = Math.round(seconds / 60);
    const hours = Math.floor(minutes / 60);
    return minutes % 60 && hours < 10 ? `${hours} h ${minutes % 60} min` : `${Math.round(minutes / 60)} h`;
  }
  return `${Math.round(seconds / 86400)} d`;
}

export function clock(iso, withDay = false) {
  const options = withDay
    ? { day: "2-digit", month: "short", hour: "2-digit", minute: "2-digit" }
    : { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  return h("time", { datetime: iso, title: new Date(iso).toLocaleString() },
    new Date(iso).toLocaleString(undefined, { hour12: false, ...options }));
}

/** Share of occupied bays over time; breaks where nothing was known. */
export function chart(points, { width, height, axis }) {
  const left = axis ? 34 : 0;
  const bottom = axis ? 20 : 0;
  const inner = { w: width - left, h: height - bottom };
  const x = (i) => left + (inner.w * i) / Math.max(1, points.length - 1);
  const y = (share) => 2 + (inner.h - 4) * (1 - share);
  const svg = s("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": chartText(points) });
  if (axis) {
    for (const share of [0, 0.5, 1]) {
      svg.append(
        s("line", { class: "grid", x1: left, x2: width, y1: y(share), y2: y(share) }),
        s("text", { x: left - 7, y: y(share) + 4, "text-anchor": "end" }, `${share * 100}%`));
    }
    const every = Math.max(1, Math.round(points.length / 6));
    points.forEach((point, i) => {
      if (i % every === 0 && i < points.length - every / 2) {
        const time = new Date(point.start).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
        svg.append(s("text", { x: x(i), y: height - 3, "text-anchor": i ? "middle" : "start" }, time));
      }
    });
  } else {
    svg.append(s("line", { class: "grid", x1: 0, x2: width, y1: height - 1, y2: height - 1 }));
  }
  for (const run of runs(points)) {
    const line = run.map(([i, share]) => `${x(i).toFixed(1)},${y(share).toFixed(1)}`).join(" L");
    const [first, last] = [x(run[0][0]).toFixed(1), x(run.at(-1)[0]).toFixed(1)];
    svg.append(
      s("path", { class: "area", d: `M${first},${y(0)} L${line} L${last},${y(0)} Z` }),
      s("path", { class: "line", d: `M${line}` }));
  }
  return svg;
}

function runs(points) {
  const result = [];
  let run = null;
  points.forEach((point, i) => {
    if (point.occupancy === null) run = null;
    else {
      if (!run) result.push((run = []));
      run.push([i, point.occupancy]);
    }
  });
  return result;
}

function chartText(points) {
  const known = points.filter((point) => point.occupancy !== null).map((point) => point.occupancy);
  if (!known.length) return "no occupancy known";
  const percent = (share) => `${Math.round(share * 100)} %`;
  return `occupancy from ${percent(Math.min(...known))} to ${percent(Math.max(...known))}, last ${percent(known.at(-1))}`;
}
