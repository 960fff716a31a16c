/* What a few tries tell about a probability, and what a loss promises. Pure. */

/** The 95 % interval after `hits` of `tries` (Wilson 1927), as common/stats.h has it: [low, high]. */
export function wilson(hits, tries) {
	if (tries === 0)
		return [0, 1];
	const z = 1.959963984540054, p = hits / tries, d = 1 + z * z / tries;
	const middle = (p + z * z / (2 * tries)) / d;
	const half = z / d * Math.sqrt(p * (1 - p) / tries + z * z / (4 * tries * tries));
	return [hits === 0 ? 0 : Math.max(0, middle - half), hits === tries ? 1 : Math.min(1, middle + half)];
}

/** The share that a specification loses in the long run: "30%", "0.3", "burst:30%,4", "pattern:xx."; NaN: not known. */
export function lossOf(text = "") {
	const [, model, rest] = /^(?:(\w+):)?([^]*)$/.exec(text ?? "");
	const share = (part) => (/^[\d.]+%$/.test(part) ? parseFloat(part) / 100 : /^[\d.]+$/.test(part) ? +part : NaN);
	const parts = rest.split(",").filter((part) => !part.startsWith("max-run"));
	if (text.includes("max-run"))
		return NaN;
	if (!model)
		return parts[0] === "none" ? 0 : share(parts[0]);
	if (model === "burst")
		return share(parts[0]);
	if (model === "pattern")
		return [...parts[0]].filter((letter) => letter === "x").length / parts[0].length;
	return NaN;
}

/** How likely the k-th packet is the first that is answered, when each gets through with `pass`. */
export const geometric = (k, pass) => pass * (1 - pass) ** (k - 1);

/** What a round trip passes: one direction is lossy, or both are. */
export const passOf = (loss, direction) => (direction === "both" ? (1 - loss) ** 2 : 1 - loss);
