/* The document: finding, making, and drawing again only what has changed. */
const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

/** An element of HTML; `properties` are its own, texts or elements its children. */
export function make(tag, properties, ...children) {
	const { dataset, ...others } = properties ?? {};
	const element = Object.assign(document.createElement(tag), others);
	Object.assign(element.dataset, dataset);
	for (const name of Object.keys(others))
		if (name.includes("-"))
			element.setAttribute(name, others[name]);
	element.append(...children.filter((child) => child !== null && child !== undefined));
	return element;
}

/**
 * Makes an SVG element's content be `items`: [key, tag, attributes, text]. Elements of the same key stay and only get what
 * is new, so that what appears can be animated. The order is that of their first appearance.
 */
export function draw(parent, items) {
	const old = parent.drawn ?? new Map(), now = new Map();
	for (const [key, tag, attributes, text] of items) {
		let node = old.get(key);
		if (node && node.localName === tag)
			old.delete(key);
		else {
			node = document.createElementNS(SVG, tag);
			node.shown = {};
			parent.append(node);
		}
		now.set(key, node);
		for (const name in attributes)
			if (node.shown[name] !== attributes[name])
				node.setAttribute(name, (node.shown[name] = attributes[name]));
		if (text !== undefined && node.shownText !== text)
			node.textContent = node.shownText = text;
	}
	for (const node of old.values())
		node.remove();
	parent.drawn = now;
}

/**
 * The same for elements of HTML: `items` are [key, state, make]; one whose state is the same stays, so that a click between
 * two drawings hits what it was meant for.
 */
export function drawRows(parent, items) {
	const old = parent.drawn ?? new Map();
	parent.drawn = new Map(items.map(([key, state, create]) => {
		const row = old.get(key);
		return [key, row?.shownState === state ? row : Object.assign(create(), { shownState: state })];
	}));
	parent.replaceChildren(...parent.drawn.values());
}

/** Sets a text where it is new. */
export function say(element, text) {
	if (element.shownText !== text)
		element.textContent = element.shownText = text;
}

const units = [[1, "s", 3], [1e-3, "ms", 1], [1e-6, "µs", 0]];

/** 0.02 is "20 ms". */
export function inSeconds(seconds) {
	if (seconds === 0)
		return "0 s";
	const [size, unit, digits] = units.find(([least]) => Math.abs(seconds) > least * 0.999) ?? units[2];
	return `${+(seconds / size).toFixed(digits)} ${unit}`;
}

export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

export const percent = (share) => `${+(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;

export const plural = (count, one, many = one + "s") => `${grouped(count)} ${count === 1 ? one : many}`;

/** How much larger than on a projector of 1280x720 everything is: style.css lets the letters grow with the window. */
export const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 17;

let layout = 0; /* counts the changes of sizes: to ask for one costs a layout */

export const sizesChange = () => layout++;

/** Width and height that an SVG element has, in the projector's pixels; it is drawn in those. */
export function sizeOf(svg, fixed) {
	if (svg.shownLayout === layout)
		return svg.shownSize;
	const box = svg.parentElement.className === "stage" ? svg.parentElement : svg, scale = zoom();
	const width = Math.max(1, Math.round(box.clientWidth / scale)), height = fixed ?? Math.max(1, Math.round(box.clientHeight / scale));
	svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
	svg.shownLayout = layout;
	return (svg.shownSize = [width, height]);
}
