/* Controls: what can be changed while the lab runs, by the picture that shows it. What differs from the start is marked. */
import { byId, draw, make, plural, say } from "./dom.js";
import { call } from "./source.js";
import { lossyWay, nextFamily } from "./model_datagrams.js";
import { lossOf } from "./stats.js";
import { waysComing, waysComingKey, waysEndpoint } from "./view_datagrams.js";

const seconds = (text) => (/^[\d.]+ms$/.test(text) ? parseFloat(text) / 1000 : /^[\d.]+s?$/.test(text) ? parseFloat(text) : 0);
const ms = { read: (text) => Math.round(seconds(text) * 1000), write: (number) => `${number}ms`, show: (number) => `${number} ms` };
const plain = { read: (text) => parseInt(text) || 0, write: String, show: String };

/* Sliders, choices and texts of each picture. */
const table = {
	streams: [
		{ key: "pmu.messages", label: "Messages", kind: "range", most: 60, ...plain },
		{ key: "pmu.rtt", label: "Round trip", kind: "range", most: 200, step: 5, ...ms },
		{ key: "pmu.flood", label: "Flood, bytes", kind: "text" },
		{ key: "pmu.speed", label: "Speed, ×", kind: "text" },
	],
	reset: [
		{ key: "reset.loss", label: "Loss", kind: "loss" },
		{ key: "reset.direction", label: "Direction", kind: "choice", values: ["request", "reply", "both"] },
		{ key: "reset.family", label: "Family", kind: "choice", values: ["hour", "4", "6", "both", "alternate:10s"] },
		{ key: "reset.delay", label: "Delay", kind: "range", most: 1000, step: 10, ...ms },
	],
	"udp-print": [
		{ key: "udp-print.loss", label: "Loss", kind: "loss" },
		{ key: "udp-print.delay", label: "Delay", kind: "range", most: 1000, step: 10, ...ms },
	],
	station: [
		{ key: "tv.interval", label: "Interval", kind: "range", most: 3000, least: 50, step: 50, ...ms },
		{ key: "tv.loss", label: "Loss", kind: "loss" },
	],
	log: [],
};
const endpoints = { streams: ["pmu", "pmu-ws", "pmu-tls", "pmu-wss", "echo"], datagrams: ["reset", "udp-print"], station: ["tv"], log: [] };
const prepared = {
	streams: [["20 at once", { "pmu.messages": "20", "pmu.rtt": "20ms" }], ["No round trip", { "pmu.rtt": "0" }]],
	reset: [["None", { "reset.loss": "none" }], ["Half", { "reset.loss": "50%" }], ["Bursts", { "reset.loss": "burst:50%,4" }],
		["All", { "reset.loss": "100%" }], ["Replies", { "reset.loss": "50%", "reset.direction": "reply" }], ["▶ Storm, 15 s", [{ set: { "reset.loss": "none" } }, { after: "5s", set: { "reset.loss": "60%" } }, { after: "10s", set: { "reset.loss": null } }]]],
	"udp-print": [["None", { "udp-print.loss": "none" }], ["Half", { "udp-print.loss": "50%" }]],
	station: [["None lost", { "tv.loss": "none" }], ["30 % lost", { "tv.loss": "30%" }]],
	log: [],
};
const models = { none: "nothing", random: "each by chance", burst: "in bursts", first: "the first", pattern: "a pattern", other: "another" };

const panel = { keys: new Map(), view: "", rows: "", widgets: [], pauses: [], model: null, onClear: null, live: false, sending: new Map(),
	fates: [], scenario: null, asked: 0, changes: 0 };

/* Whose rows: those of the picture, in Datagrams those of the server that is shown. */
const rowsOf = (view) => (view === "datagrams" ? waysEndpoint(panel.model) : view);
const runs = (name) => panel.model.endpoints.has(name);

function complain(text) {
	if (byId("controls-said"))
		say(byId("controls-said"), text);
}

async function change(changes) {
	try {
		const { keys } = await call("PATCH", "v1/config", changes);
		complain("");
		for (const about of keys) {
			panel.keys.set(about.key, about);
			panel.model.config[about.key] = about.value; /* its event may be a moment late */
		}
	} catch (error) {
		complain([error.message, error.refusal?.hint].filter(Boolean).join("; "));
	}
	controlsDraw(panel.model);
}

/* While a slider moves: one request under way for each key, then the last value. */
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

/** All keys as the lab has them now, and the model gets their values: its events may begin behind a change. */
export async function controlsLoad() {
	const { model, keys: before } = panel, { keys } = await call("GET", "v1/config").catch(() => ({}));
	if (!keys) /* the lab is gone, which is said elsewhere */
		return;
	panel.keys = new Map(keys.map((about) => [about.key, about]));
	for (const { key, value } of keys)
		model.config[key] = value;
	if (keys.length === before.size) /* who is about to click finds what was there */
		controlsDraw(model);
	else
		controlsBuild();
	askScenario();
}

const valueOf = (key) => panel.sending.get(key) ?? panel.model.config[key] ?? panel.keys.get(key)?.value ?? "";

/* ---- kinds of controls: each makes elements, and `update` shows a value ---- */

const kinds = {
	range({ key, label, most, least = 0, step = 1, read, write, show }) {
		const said = make("output", {}), input = make("input", { type: "range", min: least, max: most, step, "aria-label": label });
		input.addEventListener("input", () => {
			say(said, show(+input.value));
			slide(key, write(+input.value));
		});
		return { parts: [said, input], update(value) {
			input.max = Math.max(most, read(value));
			input.value = read(value);
			say(said, show(read(value)));
		} };
	},
	text({ key, label }) {
		const input = make("input", { "aria-label": label, spellcheck: false, autocomplete: "off" });
		input.addEventListener("change", () => change({ [key]: input.value }));
		return { parts: [input], update: (value) => document.activeElement === input || (input.value = value) };
	},
	choice({ key, label, values }) {
		const range = panel.keys.get(key)?.range ?? "", list = values.length ? values : range.split("|").filter((name) => /^[\w-]+$/.test(name));
		const select = make("select", { "aria-label": label }, ...list.map((name) => make("option", { value: name }, name)));
		select.addEventListener("change", () => change({ [key]: select.value }));
		return { parts: [select], update(value) {
			if (![...select.options].some((option) => option.value === value))
				select.append(make("option", { value }, value));
			select.value = value;
		} };
	},
	loss({ key }) {
		const said = make("output", {});
		const model = make("select", { "aria-label": "How datagrams are lost" }, ...Object.entries(models).map(([value, name]) => make("option", { value }, name)));
		const share = make("input", { type: "range", min: 0, max: 100, "aria-label": "Loss in per cent" });
		const run = make("input", { type: "range", min: 1, max: 12, step: 0.5, value: 4, "aria-label": "Mean run of losses" });
		const runSaid = make("output", {}), text = make("input", { "aria-label": "Loss as text", spellcheck: false, autocomplete: "off" });
		const runRow = make("label", { className: "row" }, "in a row", runSaid, run);
		let limit = "", other = false; /* ",max-run=3", which stays; "another" was chosen, and is to be typed */
		/* A run of r on average has at least one that arrives behind it. */
		const most = () => Math.floor(100 * run.value / (+run.value + 1));
		const spec = () => ({ none: "none", random: `${share.value}%${limit}`, burst: `burst:${Math.min(share.value, most())}%,${run.value}${limit}`,
			first: "first:2", pattern: "pattern:xx." })[model.value];
		const moved = () => {
			if (model.value === "none")
				model.value = "random";
			if (model.value === "burst")
				share.value = Math.min(share.value, most());
			slide(key, spec());
			say(said, `${share.value} %`);
			say(runSaid, run.value);
		};
		share.addEventListener("input", moved);
		run.addEventListener("input", moved);
		model.addEventListener("change", () => {
			other = model.value === "other";
			if (share.value === "0")
				share.value = 50;
			if (!other)
				change({ [key]: spec() });
			else {
				text.focus();
				text.select();
			}
		});
		text.addEventListener("blur", () => (other = false));
		text.addEventListener("change", () => change({ [key]: text.value }));
		return { parts: [said, model, share, runRow, text], update(value) {
			const [, body, rest = ""] = /^(.*?)(,max-run=\d+)?$/.exec(value), [, length] = /^burst:[^,]+,([\d.]+)$/.exec(body) ?? [];
			const kind = /^(\w+):/.exec(body)?.[1] ?? (body === "none" ? "none" : "random"), lost = lossOf(body) * 100;
			limit = rest;
			model.value = other ? "other" : kind in models && (kind !== "burst" || length) ? kind : "other";
			const known = ["none", "random", "burst"].includes(model.value);
			if (known) /* none leaves the slider where it begins */
				share.value = lost;
			run.value = length ?? run.value;
			runRow.hidden = model.value !== "burst";
			share.disabled = !known;
			say(said, known ? `${+lost.toFixed(2)} %` : "");
			say(runSaid, run.value);
			if (document.activeElement !== text)
				text.value = value;
		} };
	},
};

function widget(row) {
	const about = panel.keys.get(row.key), fixed = about?.effect === "restart";
	const { parts, update } = kinds[row.kind](row), mark = make("button", { className: "back", hidden: true });
	mark.addEventListener("click", () => back(row.key));
	const box = make("div", { className: `control ${row.kind}`, dataset: { key: row.key }, title: about?.help ?? "" },
		make("h3", {}, row.label), ...parts, mark, fixed ? make("p", { className: "small" }, `set when the lab starts: --set ${row.key}=`) : null);
	if (fixed)
		box.querySelectorAll("input, select").forEach((input) => (input.disabled = true));
	return { box, show() {
		const value = valueOf(row.key), start = panel.keys.get(row.key)?.start ?? value;
		update(value);
		mark.hidden = value === start;
		box.classList.toggle("changed", value !== start);
		say(mark, `back to ${start || "nothing"}`);
	} };
}

/* Steps with times run in the lab; while they do, whoever began them, they can be ended here. */
async function play(steps) {
	try {
		showScenario(await call(steps ? "POST" : "DELETE", "v1/scenario", steps));
		complain("");
	} catch (error) {
		complain([error.message, error.refusal?.hint].filter(Boolean).join("; "));
	}
}

function showScenario({ running, done, steps, next }) {
	panel.scenario = running ? { done, count: steps.length, due: performance.now() + next * 1000 } : null;
	controlsDraw(panel.model);
}

/** Nothing tells when one is begun elsewhere: it is asked for now and then. */
export async function askScenario() {
	if (panel.live && !document.hidden)
		await call("GET", "v1/scenario").then(showScenario, () => {}); /* a lab that is gone is told of elsewhere */
}

function scenarioText({ done, count, due }) {
	const left = Math.max(0, Math.ceil((due - performance.now()) / 1000));
	return `■ End the scenario: ${done} of ${count} done, next in ${left} s`;
}

const button = (text, onClick, className = "") => {
	const element = make("button", { className }, text);
	element.addEventListener("click", onClick);
	return element;
};

async function pause(endpoint) {
	try {
		await call("POST", `v1/${isPaused(endpoint) ? "resume" : "pause"}`, { endpoint });
		complain("");
	} catch (error) {
		complain(error.message);
	}
}

const isPaused = (name) => panel.model.endpoints.get(name)?.paused ?? false;

/* What a prepared button does, for who points at it. */
const detail = (changes) => (Array.isArray(changes) ? "steps by the clock" : Object.entries(changes).map((pair) => pair.join("=")).join(" "));

const group = (name, list) => (list.length ? make("div", { className: "control group" }, make("h3", {}, name), make("div", { className: "buttons" }, ...list)) : null);

export function controlsBuild(view = panel.view) {
	panel.view = view;
	panel.rows = rowsOf(view);
	const aside = byId("controls"), here = endpoints[view].filter(runs), rows = runs(panel.rows) || view !== "datagrams" ? table[panel.rows] : [];
	panel.widgets = (here.length ? rows : []).filter(({ key }) => panel.keys.has(key)).map(widget);
	panel.pauses = here.map((name) => ({ name, button: button("", () => pause(name)) }));
	panel.end = button("", () => play(null), "end");
	panel.all = button("", () => back(""), "back");
	aside.replaceChildren(make("h2", { className: "hidden" }, "Controls"), ...panel.widgets.map(({ box }) => box));
	panel.ribbon = null;
	if (view === "datagrams" && panel.widgets.length) {
		panel.ribbon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
		panel.ribbon.setAttribute("role", "img");
		panel.ribbon.id = "coming";
		panel.widgets[0].box.append(make("p", { className: "small", id: "coming-said" }), panel.ribbon);
	}
	if (panel.widgets.length)
		aside.append(make("div", { className: "buttons" }, ...prepared[panel.rows].map(([name, changes]) =>
			Object.assign(button(name, () => (Array.isArray(changes) ? play(changes) : change(changes))), { title: detail(changes) }))));
	aside.append(...[panel.end, group("Pause", panel.pauses.map(({ button: one }) => one)),
		here.length ? make("div", { className: "buttons" }, button("Clear", () => panel.onClear())) : null, panel.all,
		make("p", { id: "controls-said", role: "alert" })].filter(Boolean));
	if (panel.ribbon)
		drawComing(panel.fates);
	controlsDraw(panel.model);
}

/** Shows what holds now. */
export function controlsDraw(model) {
	panel.model = model;
	if (!panel.all)
		return;
	if (rowsOf(panel.view) !== panel.rows || endpoints[panel.view].filter(runs).length !== panel.pauses.length) {
		controlsBuild();
		return;
	}
	for (const { show } of panel.widgets)
		show();
	for (const { name, button: one } of panel.pauses) {
		say(one, `${isPaused(name) ? "▶" : "❚❚"} ${name}`);
		one.classList.toggle("on", isPaused(name));
		one.setAttribute("aria-pressed", isPaused(name));
		one.setAttribute("aria-label", `${isPaused(name) ? "Resume" : "Pause"} ${name}`);
	}
	panel.end.hidden = !panel.scenario;
	say(panel.end, panel.scenario ? scenarioText(panel.scenario) : "");
	const changed = [...panel.keys.values()].filter((about) => valueOf(about.key) !== about.start).map(({ key }) => key);
	panel.all.hidden = changed.length === 0;
	panel.all.title = changed.join(", ");
	say(panel.all, `all back (${plural(changed.length, "key")} changed)`);
	loadUnknown(model);
	preview(model);
}

/* A key of one endpoint alone that somebody has changed is none that was loaded. */
function loadUnknown(model) {
	const last = model.changes.at(-1);
	if (!panel.live || !last || last.seq <= panel.changes)
		return;
	const unknown = model.changes.some(({ seq, key }) => seq > panel.changes && !panel.keys.has(key));
	panel.changes = last.seq;
	if (unknown)
		controlsLoad();
}

/* What will become of the next datagrams: asked for when the loss or the last number is another. */
async function preview(model) {
	if (panel.view !== "datagrams" || !panel.live || panel.asking)
		return;
	const endpoint = waysEndpoint(model), direction = lossyWay(model, endpoint), family = nextFamily(model, endpoint);
	const last = model.datagrams.get(endpoint)?.fates[family][direction].at(-1)?.n ?? 0, loss = valueOf(`${endpoint}.loss`);
	const key = [endpoint, loss, direction, family, last].join();
	if (key === waysComingKey() || !runs(endpoint) || !loss)
		return;
	panel.asking = true;
	try {
		const answer = await call("GET", `v1/preview?${new URLSearchParams({ endpoint, family, direction, loss, n: 50 })}`);
		const fates = [...answer.fates].map((letter, i) => ({ n: answer.from + i, lost: letter === "x" }));
		waysComing(key, family, fates);
		drawComing(fates, family);
	} catch {
		waysComing(key, family, []);
		drawComing([], family);
	}
	setTimeout(() => (panel.asking = false, panel.changed?.()), 100);
}

function drawComing(fates, family = panel.family) {
	Object.assign(panel, { fates, family });
	if (!byId("coming-said"))
		return;
	panel.ribbon.setAttribute("viewBox", "0 0 250 24");
	panel.ribbon.setAttribute("aria-label", `Of the next ${fates.length} ${fates.filter((fate) => fate.lost).length} will be lost`);
	say(byId("coming-said"), !fates.length ? "" : `next ${fates.length} over IPv${family}: ${fates.filter((fate) => fate.lost).length} lost`);
	draw(panel.ribbon, fates.map((fate, i) => [`next ${i}`, "rect", { class: `fate ${fate.lost ? "lost" : "passed"}`, x: i * 5, y: fate.lost ? 0 : 12, width: 4, height: fate.lost ? 24 : 12 }]));
}

/** `changed` asks for a drawing; `clear` empties the picture. */
export function controlsListen(model, changed, clear) {
	byId("controls").oninput = byId("controls").onpointerdown = () => complain(""); /* what was wrong, until something else is tried */
	Object.assign(panel, { model, changed, onClear: clear });
}

export function controlsLive(live) {
	panel.live = live;
	byId("controls").inert = !live;
}
