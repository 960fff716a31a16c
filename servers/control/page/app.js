/* The page: what comes is kept by the model, and drawn once a frame, so far as it can be seen. */
import { byId, grouped, inSeconds, plural, say, sizesChange } from "./dom.js";
import { modelAdd, modelClear, modelCreate, modelRead, modelStatus } from "./model.js";
import { embeddedLines, sourceStart } from "./source.js";
import { askScenario, controlsBuild, controlsDraw, controlsListen, controlsLive, controlsLoad } from "./view_controls.js";
import { waysChoose, waysDraw, waysKept, waysListen, waysShow } from "./view_datagrams.js";
import { lineOf, logDraw, logKept, logListen } from "./view_log.js";
import { stationDraw } from "./view_station.js";
import { streamsDraw, streamsKept, streamsListen, streamsShow } from "./view_streams.js";

const FRAME = 12, KEPT = "pmulab"; /* ms of a frame for new events; where a reload finds what was shown */
const LATELY = 500, BUSY = 150;    /* more events than so many in so many ms are more than an eye can follow */
const drawing = { streams: streamsDraw, datagrams: waysDraw, station: stationDraw, log: logDraw };
const views = Object.keys(drawing);
const app = { model: modelCreate(), view: "streams", queue: [], at: 0, planned: false, state: "wait", stateUntil: 0, rate: 0, counted: 0, lately: 0, taken: 0,
	theme: "", controls: true, slow: 0,
	seed: undefined, clock: 0, kept: {} }; /* clock: performance.now() when the lab's was 0 */

/* ---- drawing ---- */

function plan() {
	if (app.planned)
		return;
	app.planned = true;
	if (document.hidden)
		setTimeout(frame, 50);
	else
		requestAnimationFrame(frame);
}

/* What has come, for so long as a frame may take; the rest in the next one. */
function take() {
	const now = performance.now(), first = app.at;
	while (app.at < app.queue.length && (app.at % 64 || performance.now() < now + FRAME))
		modelAdd(app.model, app.queue[app.at++]);
	app.lately = app.lately * Math.exp((app.taken - now) / LATELY) + app.at - first;
	app.taken = now;
	if (app.at < app.queue.length)
		return true;
	app.queue = [];
	app.at = 0;
	return false;
}

function frame() {
	app.planned = false;
	const more = take();
	if (!document.hidden && performance.now() >= app.slow) {
		const began = performance.now();
		show();
		drawn.port1.postMessage(began);
	} else if (!document.hidden)
		plan();
	if (more)
		plan();
	document.documentElement.dataset.seq = app.model.seq;
}

const isBusy = () => app.lately > BUSY;

/* What drawing costs is known behind layout and paint, and so does a message from inside a frame arrive. Under load two
   thirds of the time are for the events. */
const drawn = new MessageChannel();
drawn.port2.onmessage = ({ data: began }) => {
	const now = performance.now();
	app.slow = isBusy() ? now + 2 * (now - began) : 0;
};

function show() {
	const { model } = app;
	model.now = app.state === "report" ? model.t : (performance.now() - app.clock) / 1000;
	drawing[app.view](model);
	controlsDraw(model);
	const last = model.log.at(-1), waiting = app.queue.length - app.at;
	say(byId("ticker"), last ? `${inSeconds(last.t)}  ${last.endpoint ?? "lab"}  ${last.event}  ${lineOf(last, false).slice(0, 120)}` : "");
	say(byId("numbers"), [app.rate ? `${plural(app.rate, "event")} a second` : "", `${grouped(model.count)} events`,
		waiting > 1000 ? `${grouped(waiting)} wait` : "", model.lost ? `${plural(model.lost, "event")} missing` : "",
		model.repeated ? `${grouped(model.repeated)} datagrams folded` : ""].filter(Boolean).join(" · "));
	document.body.classList.toggle("busy", isBusy()); /* nothing is animated then */
	showState();
}

const stateTexts = {
	wait: () => "◌ connecting", live: () => "● live",
	report: ({ lab }) => "■ a run that is over" + (lab ? `: ${lab.time.slice(0, 16).replace("T", " ")}, seed ${lab.seed}` : ""),
	gone: ({ ended }) => (ended ? "■ the lab has ended" : "✕ the lab is gone"),
	refused: () => "✕ another key: open the address that pmulab prints",
};

function showState() {
	const rest = Math.max(0, Math.ceil((app.stateUntil - performance.now()) / 1000));
	const state = byId("state"), paused = [...app.model.endpoints.values()].filter((one) => one.paused).map(({ name }) => name);
	state.dataset.state = app.state === "live" && paused.length ? "paused" : app.state;
	say(state, state.dataset.state === "paused" ? `❚❚ paused: ${paused.length > 3 ? `${paused.length} servers` : paused.join(", ")}` :
		stateTexts[app.state](app.model) + (rest && app.state === "gone" ? ` · looks again in ${rest} s` : ""));
	document.body.classList.toggle("gone", app.state === "gone" || app.state === "refused");
}

/* ---- what is shown ---- */

function resized() {
	sizesChange();
	plan();
}

function choose(view, focus) {
	app.view = view;
	for (const name of views) {
		const tab = byId(`tab-${name}`);
		tab.setAttribute("aria-selected", name === view);
		tab.tabIndex = name === view ? 0 : -1;
		byId(name).hidden = name !== view;
	}
	if (focus)
		byId(`tab-${view}`).focus();
	sizesChange();
	controlsBuild(view);
	showControls();
	keep();
	plan();
}

function keep() {
	try {
		sessionStorage.setItem(KEPT, JSON.stringify({ view: app.view, theme: app.theme, controls: app.controls, conn: streamsKept(), ways: waysKept(), log: logKept(),
			seed: app.seed, seq: app.model.seq, t: app.model.t, cleared: app.model.cleared }));
	} catch {
		/* a report may have no storage */
	}
}

function kept() {
	try {
		return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
	} catch {
		return {};
	}
}

function setTheme(theme) {
	app.theme = theme;
	document.documentElement.style.colorScheme = theme || "light dark";
	keep();
}

/* A run that is over has none, and the log neither. */
function showControls() {
	const some = app.state !== "report" && app.view !== "log";
	byId("controls").hidden = !app.controls || !some;
	byId("controls-button").hidden = !some;
	byId("controls-button").setAttribute("aria-expanded", app.controls);
}

function setControls(open) {
	app.controls = open;
	showControls();
	keep();
	resized();
}

/* From the log to the picture. */
function goTo(event) {
	if (!event)
		return;
	if (event.conn !== undefined) {
		streamsShow(event.conn, event.seq);
		choose("streams");
	} else if (event.endpoint === "tv")
		choose("station");
	else if (app.model.datagrams.has(event.endpoint)) {
		waysShow(app.model, event);
		choose("datagrams");
	}
	plan();
}

function listenToKeys() {
	byId("tabs").addEventListener("click", ({ target }) => target.role === "tab" && choose(target.id.slice(4)));
	byId("tabs").addEventListener("keydown", (event) => {
		const go = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (go)
			choose(views[(views.indexOf(app.view) + go + views.length) % views.length], true);
	});
	addEventListener("keydown", (event) => {
		const types = event.target.matches("input:not([type=range])");
		if (event.key === "Escape" && event.target.matches("input, select"))
			event.target.blur();
		if (event.ctrlKey || event.altKey || event.metaKey || types)
			return;
		const view = views[Number(event.key) - 1];
		if (view)
			choose(view);
		else if (event.key === "c")
			setControls(!app.controls);
		else if (event.key === "t")
			byId("theme").click();
		else if (event.key === "/") {
			choose("log");
			byId("log-search").focus();
		} else
			return;
		event.preventDefault(); /* a select would take the letter for one of its own */
	});
	byId("controls-button").addEventListener("click", () => setControls(!app.controls));
	byId("theme").addEventListener("click", () => {
		const dark = app.theme ? app.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
		setTheme(dark ? "light" : "dark");
	});
	document.addEventListener("visibilitychange", plan);
	addEventListener("pagehide", keep);
	addEventListener("resize", resized);
}

/* ---- what comes ---- */

const on = {
	/* Who has the cookie meets the same lab again; but what was kept may be that of another one, which was here before. */
	status(status) {
		const { seed, seq, t } = app.kept;
		if (!app.model.seq && seed !== undefined && (seed !== status.seed || status.events.next <= seq || status.uptime < t - 1)) {
			app.model = modelCreate();
			streamsShow(null);
		}
		app.seed = status.seed;
		app.clock = performance.now() - status.uptime * 1000;
		modelStatus(app.model, status);
		controlsListen(app.model, plan, clear);
		controlsLoad();
		return app.model.seq + (app.queue.length - app.at > 0 ? app.queue.at(-1).seq - app.model.seq : 0);
	},
	events(list) {
		app.queue = app.queue.concat(list);
		const recent = (performance.now() - app.clock) / 1000 - 2; /* what has waited in the lab was no rate */
		app.counted += list.filter(({ t }) => t > recent).length;
		plan();
	},
	state(name, seconds = 0) {
		app.state = name;
		app.stateUntil = performance.now() + seconds * 1000;
		controlsLive(name === "live");
		plan();
	},
};

function clear() {
	modelClear(app.model, app.view);
	keep();
	plan();
}

function begin() {
	const was = app.kept = kept(), lines = embeddedLines();
	app.state = lines === null ? "wait" : "report";
	for (const picture in was.cleared)
		modelClear(app.model, picture, was.cleared[picture]);
	app.seed = was.seed;
	setTheme(was.theme ?? "");
	listenToKeys();
	streamsListen(() => app.model, plan);
	waysChoose(was.ways ?? null);
	waysListen(() => app.model, plan, keep);
	logListen(() => app.model, plan, goTo, was.log);
	controlsListen(app.model, plan, clear);
	setControls(was.controls ?? innerWidth > 950);
	if (was.conn)
		streamsShow(was.conn);
	choose(views.includes(was.view) ? was.view : "streams");
	for (const id of ["streams-stage", "ways-stage", "histogram", "lost-scale"])
		new ResizeObserver(resized).observe(byId(id));
	setInterval(() => {
		app.rate = app.counted;
		app.counted = 0;
		plan(); /* times go on */
	}, 1000);
	setInterval(askScenario, 2000);
	if (lines === null) {
		sourceStart(on);
		return;
	}
	modelRead(app.model, lines);
	plan();
}

begin();
