/* Things in the binary picture of the ink that are no digit: src/picture/clutter.c. */

function isAtEdge(part, {width, height}) {
    const margin = Math.floor(Math.max(width, height) / 50);
    return part.left <= margin || part.top <= margin || part.right >= width - margin ||
        part.bottom >= height - margin;
}

const areaOf = (part) => part.pixels.length;
const largestOf = (parts) => parts.reduce((a, b) => (areaOf(b) > areaOf(a) ? b : a));

/* The largest component, preferably one inside of the picture: at its edge are shadows. */
function mainOf(parts, binary) {
    const largest = largestOf(parts), inner = parts.filter((part) => !isAtEdge(part, binary));
    const inside = inner.length > 0 ? largestOf(inner) : null;
    return inside !== null && areaOf(inside) >= 0.3 * areaOf(largest) ? inside : largest;
}

/* True if the component is within a quarter of the size of `near` from its box. */
function isNear(part, near) {
    const size = Math.max(near.right - near.left, near.bottom - near.top);
    const gap = Math.max(part.left - near.right, near.left - part.right, part.top - near.bottom,
        near.top - part.bottom);
    return 4 * gap <= size;
}

/* Removes components that are small relative to the largest or far away from it. */
function removeSpecks(ink) {
    const parts = componentsOf(ink);
    if (parts.length === 0)
        return;
    const main = mainOf(parts, ink), inside = !isAtEdge(main, ink);
    for (const part of parts) {
        const far = !isNear(part, main), shadow = inside && isAtEdge(part, ink);
        const min = far && shadow ? 1 : far ? 0.2 : shadow ? 0.1 : 0.02;
        if (areaOf(part) < min * areaOf(main))
            put(ink, part, 0);
    }
}

/* ---- lines ---- */

/* Inverts runs of `bit` in rows, or down in columns, that are shorter than `min`, except runs of 0 at
 * the edge: opens (1) or closes (0) the picture. */
function clearRuns(binary, bit, min, down) {
    const {width, height, data} = binary;
    const length = down ? height : width, step = down ? width : 1, lines = down ? width : height;
    for (let line = 0; line < lines; line++) {
        const first = line * (down ? 1 : width);
        for (let begin = 0, end = 0; begin < length; begin = end) {
            const value = data[first + begin * step];
            while (end < length && data[first + end * step] === value)
                end++;
            if (value !== bit || end - begin >= min || (bit === 0 && (begin === 0 || end === length)))
                continue;
            for (let i = begin; i < end; i++)
                data[first + i * step] = 1 - bit;
        }
    }
}

/* Runs of pixels in rows, long and thin, as components that may lean a little. */
function thinRuns(ink, thickness) {
    const runs = copyOf(ink);
    clearRuns(runs, 1, Math.max(3 * thickness, Math.floor(ink.width / 10)), false);
    const thick = copyOf(runs);
    clearRuns(thick, 1, thickness + 1, true);
    return without(runs, thick);
}

/* The lines that are at least 0.7 of the picture long, and go beyond the rest of the ink at both ends:
 * strokes of a digit end with it. */
function selectLines(lines, rest, thickness) {
    const {width, height} = lines, joined = dilated(lines, 1, 5), others = copyOf(rest);
    clearRuns(joined, 0, Math.floor((3 * width) / 5) | 1, false);
    removeSpecks(others);
    const box = foregroundOf(others), selected = picture(width, height);
    for (const {left, right, ...line} of box !== null ? componentsOf(joined) : [])
        if (right - left >= 0.7 * width && (left === 0 || left + 2 * thickness < box.left) &&
            (right === width || right - 2 * thickness > box.right))
            put(selected, line, 1);
    return both(lines, selected);
}

/* Lines of rows, with their blurred edges, without the ink that crosses them: which has ink above and
 * below. */
function linesAcross(ink, runs, rest, thickness) {
    if (count(runs) === 0)
        return runs;
    const lines = dilated(selectLines(runs, rest, thickness), 3, 3), crossing = without(ink, lines);
    clearRuns(crossing, 0, 2 * thickness + 5, true);
    return without(lines, crossing);
}

/* True if the component has another of 0.3 of its height in one of its holes: a frame, a circle. */
function enclosesDrawing(part, ink) {
    const alone = picture(ink.width, ink.height), size = [part.right - part.left, part.bottom - part.top];
    put(alone, part, 1);
    const holes = holesOf(cut(alone, part.left, part.top, ...size));
    const inner = both(holes, cut(ink, part.left, part.top, ...size));
    return componentsOf(inner).some((one) => one.bottom - one.top > 0.3 * size[1]);
}

/* Straight thin lines through the picture, as of ruled or squared paper, and frames around the
 * drawing: 1 where `ink` has them. */
function linesOf(ink) {
    const thickness = Math.max(2, Math.floor(Math.max(ink.width, ink.height) / 50));
    const swapped = transposed(ink), across = thinRuns(ink, thickness), down = thinRuns(swapped, thickness);
    const rest = without(without(ink, across), transposed(down));
    const lines = either(linesAcross(ink, across, rest, thickness),
        transposed(linesAcross(swapped, down, transposed(rest), thickness)));
    for (const part of componentsOf(ink))
        if (part.bottom - part.top > 0.3 * ink.height && enclosesDrawing(part, ink))
            put(lines, part, 1);
    return lines;
}

/* ---- digits ---- */

/* Number of digits beside each other: groups of components of similar height with a gap between
 * them. */
function countDigits(ink) {
    const parts = componentsOf(ink);
    const gap = Math.floor((Math.max(...parts.map((part) => part.bottom)) -
        Math.min(...parts.map((part) => part.top))) / 12);
    let groups = [];
    for (const {left, right, top, bottom, pixels} of parts.slice(0, 64)) {
        let one = {left, right, top, bottom, tallest: bottom - top, area: pixels.length};
        const apart = [];
        for (const other of groups)
            if (other.left < one.right + gap && one.left < other.right + gap)
                one = {left: Math.min(one.left, other.left), right: Math.max(one.right, other.right),
                    top: Math.min(one.top, other.top), bottom: Math.max(one.bottom, other.bottom),
                    tallest: Math.max(one.tallest, other.tallest), area: one.area + other.area};
            else
                apart.push(other);
        groups = [...apart, one];
    }
    const size = Math.max(...groups.map((group) => group.bottom - group.top));
    const area = Math.max(...groups.map((group) => group.area));
    return groups.filter((group) => group.bottom - group.top > 0.6 * size && group.tallest > 0.5 * size &&
        group.area > 0.2 * area).length;
}
