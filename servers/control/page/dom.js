/* The document: finding and making elements, drawing only what has changed, numbers as text. */

/** The namespace of SVG elements. */
export const SVG = "http://www.w3.org/2000/svg";

/** The element with this id, or null. */
export const byId = (id) => document.getElementById(id);

/** Makes an HTML element with properties and attributes; its children are elements or texts. */
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
 * Makes `items`, each [key, tag, attributes, text], the content of an SVG element. An element
 * whose key has been drawn before stays and gets only what is new, so that new elements can be
 * animated. The elements stand in the order in which they first appeared.
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
 * Makes `items`, each [key, state, create], the rows of an HTML element. A row whose state is the
 * same stays, so that a click between two drawings hits the row that it was meant for.
 */
export function drawRows(parent, items) {
	const old = parent.drawn ?? new Map();
	parent.drawn = new Map(items.map(([key, state, create]) => {
		const row = old.get(key);
		const stays = row?.shownState === state;
		return [key, stays ? row : Object.assign(create(), { shownState: state })];
	}));
	parent.replaceChildren(...parent.drawn.values());
}

/** Sets an element's text if it differs from the text that was set last. */
export function say(element, text) {
	if (element.shownText !== text)
		element.textContent = element.shownText = text;
}

const units = [[1, "s", 3], [1e-3, "ms", 1], [1e-6, "µs", 0]];

/** Seconds as text in the unit that fits: 0.02 is "20 ms". */
export function inSeconds(seconds) {
	if (seconds === 0)
		return "0 s";
	const fits = ([least]) => Math.abs(seconds) > least * 0.999;
	const [size, unit, digits] = units.find(fits) ?? units[2];
	return `${+(seconds / size).toFixed(digits)} ${unit}`;
}

/** A number with a comma before each three digits: 1234 is "1,234". */
export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");

/** A share (0 to 1) in per cent, with at most one decimal, below 1 % two: 0.025 is "2.5 %". */
export const percent = (share) => `${+(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;

/** A number with its noun: "1 byte", "2 bytes". */
export const plural = (count, one, many = one + "s") =>
	`${grouped(count)} ${count === 1 ? one : many}`;

/** How many times larger everything is than at 1280x720; style.css sets the size of letters. */
export const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 17;

let layout = 0; /* counts the changes of sizes: to ask for a size costs a layout */

/** Tells that elements may have changed their sizes. */
export const sizesChange = () => layout++;

/** Width and height of an SVG element in pixels at 1280x720, which become its coordinates. */
export function sizeOf(svg, fixedHeight) {
	if (svg.shownLayout === layout)
		return svg.shownSize;
	const box = svg.parentElement.className === "stage" ? svg.parentElement : svg;
	const scale = zoom();
	const width = Math.max(1, Math.round(box.clientWidth / scale));
	const height = fixedHeight ?? Math.max(1, Math.round(box.clientHeight / scale));
	svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
	svg.shownLayout = layout;
	return (svg.shownSize = [width, height]);
}
