/*
 * Where events come from: the lab over HTTP (docs/api.md), or lines that stand in the page (a report). A stream that ends
 * is taken up again behind the last event; how that goes is told to `on.state`.
 */
const FIRST_WAIT = 500, LONGEST_WAIT = 8000;
const SILENCE = 40000; /* the lab shows every 15 s that it is there */

/** The lines that stand in this page; null: it is a live one. */
export const embeddedLines = () => document.getElementById("events")?.textContent ?? null;

/** One call: what it answered, or an Error with `status`, and `refusal` (its error, key, hint). */
export async function call(method, path, body) {
	let response;
	try {
		response = await fetch(path, {
			method, headers: body === undefined ? {} : { "Content-Type": "application/json" },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
	} catch {
		throw Object.assign(new Error("the lab does not answer"), { status: 0 });
	}
	const answer = await response.json().catch(() => ({}));
	if (!response.ok)
		throw Object.assign(new Error(answer.error ?? response.statusText), { status: response.status, refusal: answer });
	return answer;
}

/** Lines of text out of pieces; what is behind the last line end waits for the next piece. */
export function lineSplitter(onLine) {
	let rest = "";
	return (piece) => {
		const lines = (rest + piece).split("\n");
		rest = lines.pop();
		lines.forEach(onLine);
	};
}

/**
 * Reads for ever. `on.status(status)` before each stream: answers the number of the last event it knows of that lab;
 * `on.events(list)`; `on.state(name, seconds)`: "live", "gone" (tried again in so many seconds), "refused" (another key).
 */
export function sourceStart(on) {
	let abort, wake, lastByte = 0;

	async function stream() {
		abort = new AbortController();
		const last = on.status(await call("GET", "v1/status"));
		const response = await fetch("v1/events", {
			headers: last ? { "Last-Event-ID": String(last) } : {}, signal: abort.signal,
		});
		if (!response.ok)
			throw Object.assign(new Error(response.statusText), { status: response.status });
		on.state("live");
		const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
		let list = [];
		const split = lineSplitter((line) => {
			if (line.startsWith("data: "))
				list.push(JSON.parse(line.slice(6)));
		});
		const watch = setInterval(() => Date.now() - lastByte > SILENCE && abort.abort(), 5000);
		lastByte = Date.now();
		try {
			for (let piece; !(piece = await reader.read()).done; lastByte = Date.now()) {
				split(piece.value);
				on.events(list);
				list = [];
			}
		} finally {
			clearInterval(watch);
		}
	}

	async function forever() {
		for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
			const began = Date.now();
			let state = "gone";
			try {
				await stream();
			} catch (error) {
				if (error.status === 401 || error.status === 403)
					state = "refused";
			}
			if (Date.now() - began > LONGEST_WAIT)
				wait = FIRST_WAIT;
			const pause = wait * (0.75 + Math.random() / 2); /* 80 pages do not come back at once */
			on.state(state, pause / 1000);
			await new Promise((resolve) => {
				wake = resolve;
				setTimeout(resolve, pause);
			});
		}
	}

	/* A laptop that slept: its stream looks alive, and is not. */
	const again = () => {
		wake?.();
		if (Date.now() - lastByte > SILENCE / 2)
			abort?.abort();
	};
	addEventListener("online", again);
	document.addEventListener("visibilitychange", () => document.hidden || again());
	forever();
	return again;
}
