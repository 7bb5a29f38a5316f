// The status page: what a technician wants to know, readable on a phone.

import { ask, byId, bytes, changeLine, clock, element, facts, listen, setUpHeader, showHeader, span } from "./shared.js";

const KEPT = 20;

const PICTURE_EVERY_MS = 5000;
const cards = new Map();

// The picture is asked for anew some time after the last one came, however slow the line is.
const pictureOf = (camera) => {
  const picture = element("img", { alt: `Latest picture of camera ${camera.id}`, hidden: "" });
  const load = () => {
    picture.src = `/cameras/${camera.id}/still.jpg?at=${Date.now()}`;
  };
  // A camera that never gave one has no picture, and no sign of a broken one.
  for (const outcome of ["load", "error"])
    picture.addEventListener(outcome, () => {
      picture.hidden = outcome === "error";
      setTimeout(load, PICTURE_EVERY_MS);
    });
  load();
  return picture;
};

const audited = (audit) => audit
  ? `${(100 * audit.accuracy).toFixed(1)} % upheld (95 %: ${(100 * audit.low).toFixed(1)} to ${(100 * audit.high).toFixed(1)}), ${audit.looks} second looks`
  : null;

const showCamera = (camera, audit) => {
  if (!cards.has(camera.id)) {
    const list = element("dl");
    const card = element("article", {}, element("h3", { text: camera.id }), pictureOf(camera), list);
    cards.set(camera.id, { card, list });
    byId("cameras").append(card);
  }
  const { card, list } = cards.get(camera.id);
  card.className = `camera-card ${camera.condition === "live" ? "good" : "bad"}`;
  facts(list, [
    ["condition", camera.condition.replaceAll("_", " ")],
    ["detail", camera.detail],
    ["bays", `${camera.occupied} occupied, ${camera.free} free, ${camera.unknown} unknown`],
    ["pictures", `${camera.fps.toFixed(2)} a second judged, ${camera.infer_ms.toFixed(0)} ms each`],
    ["last picture", camera.last_frame_utc ? clock(camera.last_frame_utc) : "none yet"],
    ["frames", `${camera.frames} read, ${camera.judged} judged, ${camera.gated} unchanged, ${camera.dropped} dropped`],
    ["reopened", `${camera.restarts} times`],
    ["view shift", camera.shift_px === null ? null : `${camera.shift_px.toFixed(1)} px`],
    ["states", audited(audit)],
    ["calibration", camera.calibration_revision === null ? "none" : `revision ${camera.calibration_revision}`],
  ]);
};

const KINDS = {
  outside_bay: "outside bays",
  double_parking: "double parked",
  straddling: "over two bays",
  overstay: "overstay",
  wrong_use: "wrong bay",
};

const LIMITS = {
  day: "enough of that day",
  room: "no room",
  age: "too old",
  disk: "disk nearly full",
  busy: "too busy",
  purge: "deleted",
};

const incidentLine = (incident) =>
  element(
    "li",
    {},
    element("span", { class: "warn", "aria-hidden": "true", text: "!" }),
    element("b", { text: KINDS[incident.kind] ?? incident.kind }),
    element("span", { class: "said", text: [incident.bays.join(", "), incident.area, incident.vehicle].filter(Boolean).join(" · ") }),
    element("span", { class: "sure", text: incident.camera }),
    element("time", { datetime: incident.began, text: span(incident.stood_s) }),
  );

const showIncidents = (incidents) => {
  byId("incidents-card").hidden = !incidents.length;
  byId("incidents").replaceChildren(...incidents.map(incidentLine));
};

const byLimit = (counts) => {
  const some = Object.entries(counts).filter(([, count]) => count);
  return some.length ? some.map(([limit, count]) => `${count} (${LIMITS[limit] ?? limit})`).join(", ") : null;
};

const showHarvest = (harvest) => {
  byId("harvest-card").hidden = !harvest;
  if (!harvest) return;
  const frames = Object.values(harvest.frames).reduce((sum, count) => sum + count, 0);
  const fault = harvest.last_fault;
  facts(byId("harvest"), [
    ["on disk", `${frames} frames, ${bytes(harvest.size_bytes)} of ${bytes(harvest.max_bytes)}`],
    ["kept", `${harvest.kept} since the start`],
    ["not kept", byLimit(harvest.refused)],
    ["gone", byLimit(harvest.evicted)],
    ["sent", harvest.sent ? `${harvest.sent} bundles, ${harvest.sent_frames} frames, ${bytes(harvest.sent_bytes)}` : null],
    ["not sent", harvest.failed ? `${harvest.failed} bundles` : null],
    ["last fault", fault ? `${clock(fault.utc)} ${fault.text}` : null],
  ]);
};

const show = (report) => {
  showHeader(report);
  showIncidents(report.incidents);
  showHarvest(report.harvest);
  const wrong = report.not_ready;
  byId("verdict").className = `card verdict ${wrong.length ? "bad" : "good"}`;
  byId("verdict-head").textContent = wrong.length
    ? `${wrong.length} ${wrong.length === 1 ? "thing needs" : "things need"} attention`
    : "All is well";
  byId("faults").replaceChildren(...wrong.map((text) => element("li", { text })));
  report.cameras.forEach((camera) => showCamera(camera, report.audits[camera.id]));
  const { link, outbox, model, bays } = report;
  facts(byId("delivery"), [
    ["broker", link ? link.broker : "none configured"],
    ["link", link ? (link.connected ? `connected, MQTT ${link.protocol}` : "not connected") : null],
    ["fault", link?.last_error],
    ["sent", link ? `${link.sent} events` : null],
    ["refused", link?.refused ? `${link.refused} events` : null],
    ["waiting", `${outbox.rows} events, ${bytes(outbox.size_bytes)}`],
    ["oldest", outbox.rows ? span(outbox.oldest_age_s) : null],
    ["given up", outbox.evicted ? `${outbox.evicted} events` : null],
    ["store", outbox.degraded ? "cannot be written" : "sound"],
  ]);
  facts(byId("box"), [
    ["bays", `${bays.total}: ${bays.occupied} occupied, ${bays.free} free, ${bays.unknown} unknown`],
    ["closed", report.closed_bays.join(", ")],
    ["model", model ? `${model.name} ${model.version}, ${model.method}` : "none"],
    ["model file", model ? model.sha256.slice(0, 12) : null],
    ["version", report.version],
    ["up for", span(report.uptime_s)],
    ["clock", `${new Date(report.now_utc).toISOString().slice(0, 19)} UTC`],
    ["off from yours", `${Math.abs((Date.now() - new Date(report.now_utc)) / 1000).toFixed(0)} s`],
    ["disk free", report.disk_free_bytes === null ? null : bytes(report.disk_free_bytes)],
    ["memory", report.memory_bytes === null ? null : bytes(report.memory_bytes)],
    ["temperature", report.temperature_c === null ? null : `${report.temperature_c.toFixed(0)} °C`],
  ]);
};

const addChange = (change) => {
  const list = byId("events");
  list.prepend(changeLine(change));
  while (list.children.length > KEPT) list.lastElementChild.remove();
};

const start = async () => {
  show(await setUpHeader());
  const { events } = await ask(`/api/v1/events?limit=${KEPT}`);
  byId("events").replaceChildren(...events.map(changeLine));
  listen({ status: show, change: addChange });
};

start();
