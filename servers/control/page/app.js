/* The page: the model takes in the events, and once a frame the picture that is shown is drawn. */
import { byId, sizesChange } from "./dom.js";
import { modelAdd, modelClear, modelCreate, modelRead, modelStatus } from "./model.js";
import { embeddedLines, sourceStart } from "./source.js";
import { askScenario, controlsBuild, controlsDraw, controlsListen } from "./view_controls.js";
import { controlsLive, controlsLoad } from "./view_controls.js";
import { waysChoose, waysDraw, waysKept, waysListen, waysShow } from "./view_datagrams.js";
import { logDraw, logKept, logListen } from "./view_log.js";
import { stationDraw } from "./view_station.js";
import { statusDraw } from "./view_status.js";
import { streamsDraw, streamsKept, streamsListen, streamsShow } from "./view_streams.js";

const FRAME = 12;               /* ms of each frame for new events */
const LATELY = 500, BUSY = 150; /* an eye cannot follow more than BUSY events in LATELY ms */
const KEPT = "pmulab";          /* the storage key of what a reload finds again */

const drawing = { streams: streamsDraw, datagrams: waysDraw, station: stationDraw, log: logDraw };
const views = Object.keys(drawing);
const app = {
	model: modelCreate(),
	view: "streams", theme: "", controls: true,
	queue: [], at: 0,    /* events that have come; the model has those before `at` */
	planned: false,      /* a frame has been asked for */
	slow: 0,             /* nothing is drawn before this time */
	lately: 0, taken: 0, /* events of late, at this time */
	counted: 0, rate: 0, /* events in this second and in the one before */
	state: "wait", stateUntil: 0,
	clock: 0,            /* performance.now() when the lab's clock was 0 */
	seed: undefined,     /* of the lab */
	kept: {},            /* what was shown before the reload */
};

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

/* Gives the model events for as long as a frame may take; true: some are left for the next one. */
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

/* A message that is sent inside a frame arrives after layout and paint: then it is known how long
   the drawing took. Under load two thirds of the time are for the events. */
const drawn = new MessageChannel();
drawn.port2.onmessage = ({ data: began }) => {
	const now = performance.now();
	app.slow = isBusy() ? now + 2 * (now - began) : 0;
};

function show() {
	const { model, state, stateUntil: until, rate } = app;
	model.now = state === "report" ? model.t : (performance.now() - app.clock) / 1000;
	drawing[app.view](model);
	controlsDraw(model);
	document.body.classList.toggle("busy", isBusy()); /* style.css animates nothing then */
	statusDraw(model, { state, until, rate, waiting: app.queue.length - app.at });
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
	const { view, theme, controls, seed, model: { seq, t, cleared } } = app;
	const conn = streamsKept(), ways = waysKept(), log = logKept();
	const kept = { view, theme, controls, conn, ways, log, seed, seq, t, cleared };
	try {
		sessionStorage.setItem(KEPT, JSON.stringify(kept));
	} catch {
		/* A report may have no storage. */
	}
}

function readKept() {
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

/* A report has no controls, and the log has none. */
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

/* From an event in the log to its place in a picture. */
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

function listenToTabs() {
	byId("tabs").addEventListener("click", ({ target }) => {
		if (target.role === "tab")
			choose(target.id.slice("tab-".length));
	});
	byId("tabs").addEventListener("keydown", (event) => {
		const go = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (!go)
			return;
		const index = (views.indexOf(app.view) + go + views.length) % views.length;
		choose(views[index], true);
	});
}

function listenToKeys() {
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
		event.preventDefault(); /* a select would go to an option with this letter */
	});
}

function listenToWindow() {
	byId("controls-button").addEventListener("click", () => setControls(!app.controls));
	byId("theme").addEventListener("click", () => {
		const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
		const dark = app.theme ? app.theme === "dark" : prefersDark;
		setTheme(dark ? "light" : "dark");
	});
	document.addEventListener("visibilitychange", plan);
	addEventListener("pagehide", keep);
	addEventListener("resize", resized);
	for (const id of ["streams-stage", "ways-stage", "histogram", "lost-scale"])
		new ResizeObserver(resized).observe(byId(id));
}

/* ---- what comes ---- */

/* Whether the kept state belongs to another lab, which ran at this address before. */
function isOtherLab(status) {
	const { seed, seq, t } = app.kept;
	if (seed === undefined)
		return false;
	return seed !== status.seed || status.events.next <= seq || status.uptime < t - 1;
}

const on = {
	status(status) {
		if (!app.model.seq && isOtherLab(status)) {
			app.model = modelCreate();
			streamsShow(null);
		}
		app.seed = status.seed;
		app.clock = performance.now() - status.uptime * 1000;
		modelStatus(app.model, status);
		controlsListen(app.model, plan, clear);
		controlsLoad();
		return app.at < app.queue.length ? app.queue.at(-1).seq : app.model.seq;
	},
	events(list) {
		app.queue = app.queue.concat(list);
		/* Events that have waited in the lab say nothing about the rate. */
		const recent = (performance.now() - app.clock) / 1000 - 2;
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
	const was = app.kept = readKept(), lines = embeddedLines();
	app.state = lines === null ? "wait" : "report";
	for (const picture in was.cleared)
		modelClear(app.model, picture, was.cleared[picture]);
	app.seed = was.seed;
	setTheme(was.theme ?? "");
	listenToTabs();
	listenToKeys();
	listenToWindow();
	streamsListen(() => app.model, plan);
	waysChoose(was.ways ?? null);
	waysListen(() => app.model, plan, keep);
	logListen(() => app.model, plan, goTo, was.log);
	controlsListen(app.model, plan, clear);
	setControls(was.controls ?? innerWidth > 950);
	if (was.conn)
		streamsShow(was.conn);
	choose(views.includes(was.view) ? was.view : "streams");
	setInterval(() => {
		app.rate = app.counted;
		app.counted = 0;
		plan(); /* the times that are shown go on */
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
