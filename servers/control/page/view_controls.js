/*
 * The panel of controls: what can be changed while the lab runs, for the picture that is shown.
 * What differs from the lab's start is marked, and one click sets it back.
 */
import { controlKinds } from "./controls_kinds.js";
import { controlRows, pictureEndpoints, preparedChanges } from "./controls_table.js";
import { byId, make, plural, say } from "./dom.js";
import { call } from "./source.js";
import { comingBuild, comingLoad } from "./view_coming.js";
import { waysEndpoint } from "./view_datagrams.js";

const panel = {
	model: null, changed: null, onClear: null, live: false,
	keys: new Map(),    /* key: what the lab says of it */
	sending: new Map(), /* key: its last value, while a request is under way */
	changes: 0,         /* the last event change that was seen */
	scenario: null,     /* the running one: { done, count, due }; due as performance.now() */
	view: "", rows: "", /* the picture, and whose controls are shown in it */
	widgets: [],        /* { box, show } of each control */
	pauses: [],         /* { name, button } of each endpoint */
	end: null,          /* the button that ends the scenario */
	all: null,          /* the button that sets all keys back */
};

/* Whose controls a picture has: its own, in Datagrams those of the server that is shown. */
const rowsOf = (view) => (view === "datagrams" ? waysEndpoint(panel.model) : view);
const runs = (name) => panel.model.endpoints.has(name);
const isPaused = (name) => panel.model.endpoints.get(name)?.paused ?? false;
const valueOf = (key) =>
	panel.sending.get(key) ?? panel.model.config[key] ?? panel.keys.get(key)?.value ?? "";

/* ---- requests to the lab ---- */

function complain(text) {
	if (byId("controls-said"))
		say(byId("controls-said"), text);
}

const withHint = (error) => [error.message, error.refusal?.hint].filter(Boolean).join("; ");

async function change(changes) {
	try {
		const { keys } = await call("PATCH", "v1/config", changes);
		complain("");
		for (const about of keys) {
			panel.keys.set(about.key, about);
			panel.model.config[about.key] = about.value; /* its event may be late */
		}
	} catch (error) {
		complain(withHint(error));
	}
	controlsDraw(panel.model);
}

/* While a slider moves: one request at a time for each key, and at the end the last value. */
async function slide(key, value) {
	const busy = panel.sending.has(key);
	panel.sending.set(key, value);
	if (busy)
		return;
	for (let sent; panel.sending.get(key) !== sent;)
		await change({ [key]: (sent = panel.sending.get(key)) });
	panel.sending.delete(key);
	controlsDraw(panel.model);
}

/* Sets a key back to its value at the lab's start; "": all keys. */
async function back(key) {
	try {
		const about = await call("DELETE", `v1/config${key ? `/${key}` : ""}`);
		if (key)
			panel.keys.set(key, about);
		complain("");
	} catch (error) {
		complain(error.message);
	}
	await controlsLoad();
}

/** Loads all keys as the lab has them now; the model gets their values too. */
export async function controlsLoad() {
	const { model, keys: before } = panel;
	const { keys } = await call("GET", "v1/config").catch(() => ({}));
	if (!keys) /* the lab is gone, which the header says */
		return;
	panel.keys = new Map(keys.map((about) => [about.key, about]));
	for (const { key, value } of keys) /* the events may begin after a change */
		model.config[key] = value;
	if (keys.length === before.size) /* a click that comes now must hit the same elements */
		controlsDraw(model);
	else
		controlsBuild();
	askScenario();
}

/* Loads the keys again when a key that was not loaded, that of one endpoint alone, has changed. */
function loadUnknown(model) {
	const last = model.changes.at(-1);
	if (!panel.live || !last || last.seq <= panel.changes)
		return;
	const isUnknown = ({ seq, key }) => seq > panel.changes && !panel.keys.has(key);
	const unknown = model.changes.some(isUnknown);
	panel.changes = last.seq;
	if (unknown)
		controlsLoad();
}

/* Starts a scenario of these steps, which the lab runs; null: ends the one that runs. */
async function play(steps) {
	try {
		showScenario(await call(steps ? "POST" : "DELETE", "v1/scenario", steps));
		complain("");
	} catch (error) {
		complain(withHint(error));
	}
}

function showScenario({ running, done, steps, next }) {
	const due = performance.now() + next * 1000;
	panel.scenario = running ? { done, count: steps.length, due } : null;
	controlsDraw(panel.model);
}

/** Asks whether a scenario runs: no event tells that somebody else has started one. */
export async function askScenario() {
	if (panel.live && !document.hidden) /* if the lab is gone, the header says so */
		await call("GET", "v1/scenario").then(showScenario, () => {});
}

async function pause(endpoint) {
	try {
		await call("POST", `v1/${isPaused(endpoint) ? "resume" : "pause"}`, { endpoint });
		complain("");
	} catch (error) {
		complain(error.message);
	}
}

/* ---- the elements ---- */

const button = (text, onClick, className = "") => {
	const element = make("button", { className }, text);
	element.addEventListener("click", onClick);
	return element;
};

const buttons = (list) => make("div", { className: "buttons" }, ...list);

function widget(row) {
	const { key, kind, label } = row;
	const about = panel.keys.get(key), isFixed = about?.effect === "restart";
	const { parts, update } = controlKinds[kind](row, { change, slide });
	const mark = make("button", { className: "back", hidden: true });
	mark.addEventListener("click", () => back(key));
	const note = `set when the lab starts: --set ${key}=`, title = about?.help ?? "";
	const box = make("div", { className: `control ${kind}`, dataset: { key }, title },
		make("h3", {}, label),
		...parts,
		mark,
		isFixed ? make("p", { className: "small" }, note) : null);
	if (isFixed)
		box.querySelectorAll("input, select").forEach((input) => (input.disabled = true));
	const show = () => {
		const value = valueOf(key), start = panel.keys.get(key)?.start ?? value;
		update(value);
		mark.hidden = value === start;
		box.classList.toggle("changed", value !== start);
		say(mark, `back to ${start || "nothing"}`);
	};
	return { box, show };
}

/* A button that changes keys or plays a scenario; its tooltip says which. */
function preparedButton([name, changes]) {
	const isScenario = Array.isArray(changes);
	const pairs = Object.entries(changes).map((pair) => pair.join("="));
	const element = button(name, () => (isScenario ? play(changes) : change(changes)));
	element.title = isScenario ? "steps by the clock" : pairs.join(" ");
	return element;
}

const pauseGroup = (pauses) => make("div", { className: "control group" },
	make("h3", {}, "Pause"),
	buttons(pauses.map((one) => one.button)));

/** Makes the controls of a picture, "streams", "datagrams", "station" or "log". */
export function controlsBuild(view = panel.view) {
	panel.view = view;
	panel.rows = rowsOf(view);
	const here = pictureEndpoints[view].filter(runs);
	const hasRows = here.length && (view !== "datagrams" || runs(panel.rows));
	const rows = hasRows ? controlRows[panel.rows] : [];
	panel.widgets = rows.filter(({ key }) => panel.keys.has(key)).map(widget);
	panel.pauses = here.map((name) => ({ name, button: button("", () => pause(name)) }));
	panel.end = button("", () => play(null), "end");
	panel.all = button("", () => back(""), "back");
	const hasWidgets = panel.widgets.length > 0;
	const parts = [
		make("h2", { className: "hidden" }, "Controls"),
		...panel.widgets.map(({ box }) => box),
		hasWidgets ? buttons(preparedChanges[panel.rows].map(preparedButton)) : null,
		panel.end,
		here.length ? pauseGroup(panel.pauses) : null,
		here.length ? buttons([button("Clear", () => panel.onClear())]) : null,
		panel.all,
		make("p", { id: "controls-said", role: "alert" }),
	];
	byId("controls").replaceChildren(...parts.filter(Boolean));
	if (view === "datagrams" && hasWidgets)
		comingBuild(panel.widgets[0].box);
	controlsDraw(panel.model);
}

function drawPause({ name, button: element }) {
	const paused = isPaused(name);
	say(element, `${paused ? "▶" : "❚❚"} ${name}`);
	element.classList.toggle("on", paused);
	element.setAttribute("aria-pressed", paused);
	element.setAttribute("aria-label", `${paused ? "Resume" : "Pause"} ${name}`);
}

function scenarioText({ done, count, due }) {
	const left = Math.max(0, Math.ceil((due - performance.now()) / 1000));
	return `■ End the scenario: ${done} of ${count} done, next in ${left} s`;
}

function drawAll() {
	const isChanged = ({ key, start }) => valueOf(key) !== start;
	const changed = [...panel.keys.values()].filter(isChanged).map(({ key }) => key);
	panel.all.hidden = changed.length === 0;
	panel.all.title = changed.join(", ");
	say(panel.all, `all back (${plural(changed.length, "key")} changed)`);
}

/** Shows in the controls what holds now. */
export function controlsDraw(model) {
	panel.model = model;
	if (!panel.all)
		return;
	const here = pictureEndpoints[panel.view].filter(runs);
	if (rowsOf(panel.view) !== panel.rows || here.length !== panel.pauses.length) {
		controlsBuild();
		return;
	}
	for (const { show } of panel.widgets)
		show();
	panel.pauses.forEach(drawPause);
	panel.end.hidden = !panel.scenario;
	say(panel.end, panel.scenario ? scenarioText(panel.scenario) : "");
	drawAll();
	loadUnknown(model);
	if (panel.view !== "datagrams" || !panel.live)
		return;
	const endpoint = waysEndpoint(model);
	comingLoad(model, endpoint, valueOf(`${endpoint}.loss`), panel.changed);
}

/** Gives the panel its model; `changed()` asks for a new drawing, `clear()` empties the picture. */
export function controlsListen(model, changed, clear) {
	/* A complaint stays until something else is tried. */
	byId("controls").oninput = byId("controls").onpointerdown = () => complain("");
	Object.assign(panel, { model, changed, onClear: clear });
}

/** Tells whether the lab answers; while it does not, nothing can be changed. */
export function controlsLive(live) {
	panel.live = live;
	byId("controls").inert = !live;
}
