/* What a few tries tell about a probability, and how much a loss specification loses. Pure. */

/** Wilson's 95 % interval (1927) after `hits` of `tries`, as in common/stats.h: [low, high]. */
export function wilson(hits, tries) {
	if (tries === 0)
		return [0, 1];
	const z = 1.959963984540054, p = hits / tries, d = 1 + z * z / tries;
	const middle = (p + z * z / (2 * tries)) / d;
	const half = z / d * Math.sqrt(p * (1 - p) / tries + z * z / (4 * tries * tries));
	const low = hits === 0 ? 0 : Math.max(0, middle - half);
	const high = hits === tries ? 1 : Math.min(1, middle + half);
	return [low, high];
}

/* "30%" and "0.3" are 0.3; NaN: neither of these forms. */
function shareOf(text) {
	if (/^[\d.]+%$/.test(text))
		return parseFloat(text) / 100;
	return /^[\d.]+$/.test(text) ? +text : NaN;
}

/**
 * The share (0 to 1) of datagrams that a loss specification loses in the long run. It knows
 * "none", "30%", "0.3", "burst:30%,4" and "pattern:xx."; of all others the answer is NaN.
 */
export function lossOf(text = "") {
	const [, model, rest] = /^(?:(\w+):)?([^]*)$/.exec(text ?? "");
	const parts = rest.split(",").filter((part) => !part.startsWith("max-run"));
	if (text.includes("max-run"))
		return NaN;
	if (!model)
		return parts[0] === "none" ? 0 : shareOf(parts[0]);
	if (model === "burst")
		return shareOf(parts[0]);
	if (model === "pattern")
		return [...parts[0]].filter((letter) => letter === "x").length / parts[0].length;
	return NaN;
}

/** The probability that packet k is the first with an answer, if `pass` is that of each packet. */
export const geometric = (k, pass) => pass * (1 - pass) ** (k - 1);

/** The probability that a round trip succeeds, where one direction or "both" lose `loss`. */
export const passOf = (loss, direction) => (direction === "both" ? (1 - loss) ** 2 : 1 - loss);
