/*
 * The fates of the next datagrams, which the lab knows before they come: asked for whenever the
 * loss or the number of the last datagram has changed, and shown below the control of the loss.
 */
import { byId, draw, make, say, SVG } from "./dom.js";
import { lossyWay, nextFamily } from "./model_datagrams.js";
import { call } from "./source.js";

/** How many fates are asked for. */
export const COMING = 50;

const PAUSE = 100; /* milliseconds between two requests */
const coming = { key: "", family: 0, fates: [], asking: false };

/** The next fates of a family (4 or 6), as far as they are known: [{ n, lost }]. */
export const comingFates = (family) => (coming.family === family ? coming.fates : []);

function comingDraw() {
	const said = byId("coming-said"), svg = byId("coming"), { family, fates } = coming;
	if (!said)
		return;
	const lost = fates.filter((fate) => fate.lost).length;
	svg.setAttribute("viewBox", "0 0 250 24");
	svg.setAttribute("aria-label", `Of the next ${fates.length} ${lost} will be lost`);
	say(said, fates.length ? `next ${fates.length} over IPv${family}: ${lost} lost` : "");
	draw(svg, fates.map((fate, i) => [`next ${i}`, "rect", {
		class: `fate ${fate.lost ? "lost" : "passed"}`,
		x: i * 5,
		y: fate.lost ? 0 : 12,
		width: 4,
		height: fate.lost ? 24 : 12,
	}]));
}

/** Adds the next fates to a control that is in the document. */
export function comingBuild(box) {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("role", "img");
	svg.id = "coming";
	box.append(make("p", { className: "small", id: "coming-said" }), svg);
	comingDraw();
}

/** Asks the lab for the next fates if they may be others than before; then calls `changed`. */
export async function comingLoad(model, endpoint, loss, changed) {
	if (coming.asking)
		return;
	const direction = lossyWay(model, endpoint), family = nextFamily(model, endpoint);
	const last = model.datagrams.get(endpoint)?.fates[family][direction].at(-1)?.n ?? 0;
	const key = [endpoint, loss, direction, family, last].join();
	if (key === coming.key || !model.endpoints.has(endpoint) || !loss)
		return;
	coming.asking = true;
	const query = new URLSearchParams({ endpoint, family, direction, loss, n: COMING });
	let fates = [];
	try {
		const answer = await call("GET", `v1/preview?${query}`);
		const fateOf = (letter, i) => ({ n: answer.from + i, lost: letter === "x" });
		fates = [...answer.fates].map(fateOf);
	} catch {
		/* None are known. */
	}
	Object.assign(coming, { key, family, fates });
	comingDraw();
	setTimeout(() => {
		coming.asking = false;
		changed();
	}, PAUSE);
}
