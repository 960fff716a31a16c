/* Controls: what can be changed while the lab runs, by the picture that shows it. What differs from the start is marked. */
import { byId, draw, make, plural, say } from "./dom.js";
import { call } from "./source.js";
import { waysComing, waysComingKey, waysEndpoint } from "./view_datagrams.js";

const seconds = (text) => (/^[\d.]+ms$/.test(text) ? parseFloat(text) / 1000 : /^[\d.]+s?$/.test(text) ? parseFloat(text) : 0);
const ms = { read: (text) => Math.round(seconds(text) * 1000), write: (number) => `${number}ms`, show: (number) => `${number} ms` };
const plain = { read: (text) => parseInt(text) || 0, write: String, show: String };

/* Sliders, choices and texts of each picture. */
const table = {
	streams: [
		{ key: "pmu.messages", label: "Messages", kind: "range", most: 60, ...plain },
		{ key: "pmu.rtt", label: "Round trip", kind: "range", most: 200, step: 5, ...ms },
		{ key: "pmu.flood", label: "Flood", kind: "text" },
		{ key: "pmu.speed", label: "Speed", kind: "text" },
	],
	datagrams: [
		{ key: "reset.loss", label: "Loss", kind: "loss" },
		{ key: "reset.direction", label: "Direction", kind: "choice", values: ["request", "reply", "both"] },
		{ key: "reset.family", label: "Family", kind: "choice", values: ["hour", "4", "6", "both", "alternate:10s"] },
		{ key: "reset.delay", label: "Delay", kind: "range", most: 1000, step: 10, ...ms },
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
	datagrams: [["None", { "reset.loss": "none" }], ["Half", { "reset.loss": "50%" }], ["Bursts", { "reset.loss": "burst:30%,4" }],
		["All", { "reset.loss": "100%" }], ["Replies", { "reset.loss": "50%", "reset.direction": "reply" }], ["▶ Storm, 15 s", [{ set: { "reset.loss": "none" } }, { after: "5s", set: { "reset.loss": "60%" } }, { after: "10s", set: { "reset.loss": null } }]]],
	station: [["None lost", { "tv.loss": "none" }], ["30 % lost", { "tv.loss": "30%" }]],
	log: [],
};
const models = { none: "nothing", random: "each by chance", burst: "in bursts", first: "the first", pattern: "a pattern", other: "another" };

const panel = { keys: new Map(), view: "", widgets: [], model: null, onClear: null, live: false, sending: new Map(), fates: [], step: "" };

function complain(text) {
	say(byId("controls-said"), text);
}

async function change(changes) {
	try {
		const { keys } = await call("PATCH", "v1/config", changes);
		complain("");
		keys?.forEach((about) => panel.keys.set(about.key, about));
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

/** All keys as the lab has them now. */
export async function controlsLoad() {
	try {
		const { keys } = await call("GET", "v1/config");
		panel.keys = new Map(keys.map((about) => [about.key, about]));
	} catch {
		return;
	}
	controlsBuild();
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
		const run = make("input", { type: "range", min: 1, max: 12, step: 0.5, "aria-label": "Mean run of losses" });
		const runSaid = make("output", {}), text = make("input", { "aria-label": "Loss as text", spellcheck: false, autocomplete: "off" });
		const runRow = make("label", { className: "row" }, "in a row", runSaid, run);
		const spec = () => ({ none: "none", random: `${share.value}%`, burst: `burst:${Math.min(share.value, 99)}%,${run.value}`, first: "first:2", pattern: "pattern:xx.", other: text.value })[model.value];
		const moved = () => {
			if (model.value === "none")
				model.value = "random";
			slide(key, spec());
			say(said, `${share.value} %`);
			say(runSaid, run.value);
		};
		share.addEventListener("input", moved);
		run.addEventListener("input", moved);
		model.addEventListener("change", () => (model.value === "other" ? text.focus() : change({ [key]: spec() })));
		text.addEventListener("change", () => change({ [key]: text.value }));
		return { parts: [said, model, share, runRow, text], update(value) {
			const [, burst, length] = /^burst:([\d.]+)%,([\d.]+)$/.exec(value) ?? [], random = /^([\d.]+)%$/.exec(value)?.[1];
			model.value = value === "none" ? "none" : random ? "random" : burst ? "burst" : /^first:/.test(value) ? "first" : /^pattern:/.test(value) ? "pattern" : "other";
			share.value = value === "none" ? 0 : random ?? burst ?? share.value;
			run.value = length ?? run.value;
			runRow.hidden = model.value !== "burst";
			share.disabled = !["none", "random", "burst"].includes(model.value);
			say(said, value === "none" ? "0 %" : random || burst ? `${random ?? burst} %` : "");
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

/* Steps with times run in the lab; while they do, they can be ended here. */
async function play(steps) {
	try {
		let answer = await call(steps ? "POST" : "DELETE", "v1/scenario", steps);
		complain("");
		for (panel.step = ""; steps && answer.running; answer = await call("GET", "v1/scenario")) {
			panel.step = `❚❚ End the scenario: step ${answer.done} of ${answer.steps.length}`;
			controlsDraw(panel.model);
			await new Promise((resolve) => setTimeout(resolve, 500));
		}
	} catch (error) {
		complain(error.message);
	}
	panel.step = "";
	controlsDraw(panel.model);
}

const button = (text, onClick, className = "") => {
	const element = make("button", { className }, text);
	element.addEventListener("click", onClick);
	return element;
};

async function pause(paused) {
	try {
		for (const endpoint of endpoints[panel.view].filter((name) => panel.model.endpoints.has(name)))
			await call("POST", `v1/${paused ? "pause" : "resume"}`, { endpoint });
		complain("");
	} catch (error) {
		complain(error.message);
	}
}

export function controlsBuild(view = panel.view) {
	panel.view = view;
	const aside = byId("controls");
	panel.widgets = table[view].filter(({ key }) => panel.keys.has(key)).map(widget);
	panel.pause = button("", () => pause(!isPaused()));
	panel.scenario = button("", () => play(null));
	panel.all = button("", () => back(""), "back");
	aside.replaceChildren(make("h2", { className: "hidden" }, "Controls"), ...panel.widgets.map(({ box }) => box));
	if (view === "datagrams") {
		panel.ribbon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
		panel.ribbon.setAttribute("role", "img");
		panel.ribbon.id = "coming";
		panel.widgets[0]?.box.append(make("p", { className: "small", id: "coming-said" }), panel.ribbon);
	} else
		panel.ribbon = null;
	if (prepared[view].length)
		aside.append(make("div", { className: "buttons" }, ...prepared[view].map(([name, changes]) => button(name, () => (Array.isArray(changes) ? play(changes) : change(changes))))));
	aside.append(make("div", { className: "buttons" }, panel.scenario, view === "log" ? null : panel.pause,
		view === "log" ? null : button("Clear", () => panel.onClear())), panel.all,
	make("p", { id: "controls-said", role: "alert" }));
	if (panel.ribbon)
		drawComing(panel.fates);
	controlsDraw(panel.model);
}

const isPaused = () => endpoints[panel.view].some((name) => panel.model.endpoints.get(name)?.paused);

/** Shows what holds now. */
export function controlsDraw(model) {
	panel.model = model;
	if (!panel.pause)
		return;
	for (const { show } of panel.widgets)
		show();
	say(panel.pause, isPaused() ? "▶ Resume" : "❚❚ Pause");
	panel.pause.classList.toggle("on", isPaused());
	panel.scenario.hidden = !panel.step;
	say(panel.scenario, panel.step ?? "");
	const changed = [...panel.keys.values()].filter((about) => valueOf(about.key) !== about.start).length;
	panel.all.hidden = changed === 0;
	say(panel.all, `all back (${plural(changed, "key")} changed)`);
	preview(model);
}

/* What will become of the next datagrams: asked for when the loss or the last number is another. */
async function preview(model) {
	if (panel.view !== "datagrams" || !panel.live || panel.asking)
		return;
	const endpoint = waysEndpoint(model), direction = model.config[`${endpoint}.direction`] === "reply" ? "reply" : "request";
	const ways = model.datagrams.get(endpoint), family = ways?.arrows.at(-1)?.family ?? 4, last = ways?.fates[family][direction].at(-1)?.n ?? 0;
	const key = [valueOf(`${endpoint}.loss`), direction, family, last].join();
	if (key === waysComingKey())
		return;
	panel.asking = true;
	try {
		const answer = await call("GET", `v1/preview?${new URLSearchParams({ endpoint, family, direction, n: 50 })}`);
		const fates = [...answer.fates].map((letter, i) => ({ n: answer.from + i, lost: letter === "x" }));
		waysComing(key, fates);
		drawComing(fates);
	} catch {
		waysComing(key, []);
	}
	setTimeout(() => (panel.asking = false, panel.changed?.()), 100);
}

function drawComing(fates) {
	panel.fates = fates;
	if (!byId("coming-said"))
		return;
	panel.ribbon.setAttribute("viewBox", "0 0 250 24");
	panel.ribbon.setAttribute("aria-label", `Of the next ${fates.length} ${fates.filter((fate) => fate.lost).length} will be lost`);
	say(byId("coming-said"), `next ${fates.length}: ${fates.filter((fate) => fate.lost).length} lost`);
	draw(panel.ribbon, fates.map((fate, i) => [`next ${i}`, "rect", { class: `fate ${fate.lost ? "lost" : "passed"}`, x: i * 5, y: fate.lost ? 0 : 12, width: 4, height: fate.lost ? 24 : 12 }]));
}

/** `changed` asks for a drawing; `clear` empties the picture. */
export function controlsListen(model, changed, clear) {
	Object.assign(panel, { model, changed, onClear: clear });
}

export function controlsLive(live) {
	panel.live = live;
	byId("controls").inert = !live;
}
