// What both pages share: asking the box, telling the time, lines of the list of changes.

export const byId = (id) => document.getElementById(id);

export const element = (tag, { text, ...attributes } = {}, ...children) => {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

export const ask = async (path) => {
  const answer = await fetch(path, { headers: { Accept: "application/json" } });
  if (answer.status === 401) window.location.assign(`/login?next=${window.location.pathname}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};

export const clock = (iso) =>
  new Date(iso).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

export const span = (seconds) => {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
};

export const bytes = (count) => {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let power = 0;
  let value = count;
  while (value >= 1024 && power < units.length - 1) {
    value /= 1024;
    power += 1;
  }
  return `${value.toFixed(power && value < 100 ? 1 : 0)} ${units[power]}`;
};

export const changeLine = (change) => {
  const said = change.reason ? `unknown: ${change.reason.replaceAll("_", " ")}` : change.state;
  const sure = change.occupied === null ? "" : `${Math.round(change.confidence * 100)} %`;
  return element(
    "li",
    { class: change.state },
    element("span", { class: "sign", "aria-hidden": "true" }),
    element("b", { text: change.bay }),
    element("span", { class: "said", text: said }),
    element("span", { class: "sure", text: sure }),
    element("time", { datetime: change.at, text: clock(change.at) }),
  );
};

export const facts = (list, pairs) => {
  list.replaceChildren(
    ...pairs
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) =>
        element("div", {}, element("dt", { text: name }), element("dd", { text: value })),
      ),
  );
};

// How many alarms stand, in words; null when there is none.
export const attention = (alarms) => {
  if (!alarms.length) return null;
  return alarms.length === 1 ? "1 thing needs attention" : `${alarms.length} things need attention`;
};

// Pages and login in the header; `report` is what /api/v1/status answers.
export const showHeader = (report) => {
  byId("place").textContent = `${report.site} / ${report.edge}`;
};

export const setUpHeader = async () => {
  const report = await ask("/api/v1/status");
  showHeader(report);
  byId("edit").hidden = !report.editor;
  const logout = byId("logout");
  logout.hidden = !report.login;
  logout.addEventListener("click", async () => {
    await fetch("/logout", { method: "POST", headers: { "X-Lotsight-Csrf": report.csrf ?? "" } });
    window.location.assign("/login");
  });
  return report;
};

// One connection for all news; the browser comes back by itself after a loss.
export const listen = (handlers) => {
  const link = byId("link");
  const tell = (state, text) => {
    link.dataset.state = state;
    byId("link-text").textContent = text;
  };
  const source = new EventSource("/api/v1/events/stream");
  source.addEventListener("open", () => tell("on", "live"));
  source.addEventListener("error", () => tell("off", "connection lost, trying again"));
  for (const [name, handle] of Object.entries(handlers)) {
    source.addEventListener(name, (message) => handle(JSON.parse(message.data)));
  }
  window.addEventListener("pagehide", () => source.close());
};
