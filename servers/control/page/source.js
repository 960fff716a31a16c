/*
 * Where events come from: a lab over HTTP (docs/api.md), or lines inside the page (a report).
 * A stream that ends is resumed after its last event.
 */
const FIRST_WAIT = 500, LONGEST_WAIT = 8000; /* milliseconds */
const SILENCE = 40000; /* milliseconds; a lab sends something every 15 s */

/** The lines of events inside this page; null: the page shows a live lab. */
export const embeddedLines = () => document.getElementById("events")?.textContent ?? null;

/** Calls the lab's API; throws an Error with `status` and `refusal`: { error, key, hint }. */
export async function call(method, path, body) {
	let response;
	try {
		response = await fetch(path, {
			method,
			headers: body === undefined ? {} : { "Content-Type": "application/json" },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
	} catch {
		throw Object.assign(new Error("the lab does not answer"), { status: 0 });
	}
	const answer = await response.json().catch(() => ({}));
	if (response.ok)
		return answer;
	const error = new Error(answer.error ?? response.statusText);
	throw Object.assign(error, { status: response.status, refusal: answer });
}

/** Makes a function that takes pieces of text and calls `onLine` for each line that is whole. */
export function lineSplitter(onLine) {
	let rest = "";
	return (piece) => {
		const lines = (rest + piece).split("\n");
		rest = lines.pop();
		lines.forEach(onLine);
	};
}

/**
 * Reads the lab's events for ever. Before each stream `on.status(status)` returns the number of the
 * last event that the page knows of this lab; `on.events(list)` gets events; `on.state(name,
 * seconds)` gets "live", "gone" (the next try is in so many seconds) or "refused" (the lab wants
 * another key). Returns a function that tries again at once.
 */
export function sourceStart(on) {
	let abort, wake, lastByte = 0;

	async function stream() {
		abort = new AbortController();
		const last = on.status(await call("GET", "v1/status"));
		const response = await fetch("v1/events", {
			headers: last ? { "Last-Event-ID": String(last) } : {},
			signal: abort.signal,
		});
		if (!response.ok) {
			const error = new Error(response.statusText);
			throw Object.assign(error, { status: response.status });
		}
		on.state("live");
		const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
		let list = [];
		const split = lineSplitter((line) => {
			if (line.startsWith("data: "))
				list.push(JSON.parse(line.slice(6)));
		});
		const isSilent = () => Date.now() - lastByte > SILENCE;
		const watch = setInterval(() => isSilent() && abort.abort(), 5000);
		lastByte = Date.now();
		try {
			for (let next; !(next = await reader.read()).done; lastByte = Date.now()) {
				split(next.value);
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
			/* At random, so that 80 pages do not come back at once. */
			const pause = wait * (0.75 + Math.random() / 2);
			on.state(state, pause / 1000);
			await new Promise((resolve) => {
				wake = resolve;
				setTimeout(resolve, pause);
			});
		}
	}

	/* After a laptop's sleep the stream looks alive, but is not. */
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
