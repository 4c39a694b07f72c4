/* Pictures of one channel, and operations on them as Leptonica has them. A picture is {width,
 * height, data}: (height, width) bytes; of a binary picture they are 0 and 1. */

const picture = (width, height, data = new Uint8Array(width * height)) => ({width, height, data});
const copyOf = (from) => picture(from.width, from.height, from.data.slice());
const inverted = (gray) => map(gray, (value) => 255 - value);
const opposite = (binary) => map(binary, (bit) => 1 - bit);

/* 1 where the picture is at least `least`. */
const atLeast = (gray, least) => map(gray, (value) => (value >= least ? 1 : 0));

/* a and b, a without b, a or b: the bits of (0, 0), (0, 1), (1, 0), (1, 1). */
const both = (a, b) => combined(a, b, [0, 0, 0, 1]);
const without = (a, b) => combined(a, b, [0, 0, 1, 0]);
const either = (a, b) => combined(a, b, [0, 1, 1, 1]);

/* Each value is replaced by what the function has for it. */
function map(from, value) {
    const to = picture(from.width, from.height), {data} = from;
    const table = Uint8Array.from({length: 256}, (_, before) => value(before));
    for (let i = 0; i < data.length; i++)
        to.data[i] = table[data[i]];
    return to;
}

function combined(a, b, bits) {
    const to = picture(a.width, a.height), table = Uint8Array.from(bits);
    for (let i = 0; i < to.data.length; i++)
        to.data[i] = table[2 * a.data[i] + b.data[i]];
    return to;
}

/* The number of ones. */
function count({data}) {
    let sum = 0;
    for (let i = 0; i < data.length; i++)
        sum += data[i];
    return sum;
}

/* The rectangle of the picture; outside of it the picture goes on with its border's values, or with
 * `fill`. */
function cut(from, left, top, width, height, fill) {
    const to = picture(width, height);
    for (let y = 0; y < height; y++) {
        const row = Math.min(Math.max(top + y, 0), from.height - 1);
        for (let x = 0; x < width; x++) {
            const column = Math.min(Math.max(left + x, 0), from.width - 1);
            const inside = row === top + y && column === left + x;
            to.data[y * width + x] = inside || fill === undefined ? from.data[row * from.width + column] : fill;
        }
    }
    return to;
}

function transposed(from) {
    const to = picture(from.height, from.width);
    for (let y = 0; y < from.height; y++)
        for (let x = 0; x < from.width; x++)
            to.data[x * to.width + y] = from.data[y * from.width + x];
    return to;
}

/* ---- distributions ---- */

function histogramOf(gray, mask) {
    const counts = new Float64Array(256);
    for (let i = 0; i < gray.data.length; i++)
        if (mask === undefined || mask.data[i])
            counts[gray.data[i]]++;
    return counts;
}

const sumOf = (values) => values.reduce((sum, value) => sum + value, 0);

/* The value below which `rank`, 0 to 1, of the counts are; within a value they are spread evenly. */
function valueAtRank(counts, rank) {
    const wanted = rank * sumOf(counts);
    let below = 0, value = 0;
    while (value < 255 && below + counts[value] <= wanted)
        below += counts[value++];
    return value + (counts[value] > 0 ? (wanted - below) / counts[value] : 0);
}

function rankOfValue(counts, value) {
    const whole = Math.floor(value);
    return (sumOf(counts.subarray(0, whole)) + (value - whole) * counts[whole]) / sumOf(counts);
}

/* ---- means and extremes of windows ---- */

/* Sums of rectangles: element (y, x) is that of the rows before y and the columns before x. */
function integralOf(gray) {
    const {width, height, data} = gray, stride = width + 1;
    const sums = new Float64Array(stride * (height + 1));
    for (let y = 0; y < height; y++) {
        let row = 0;
        for (let x = 0; x < width; x++) {
            row += data[y * width + x];
            sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
        }
    }
    return sums;
}

/* Of each row (or column): the window around it that pixBlockconv adds up, without the first row at the
 * border, and by what the mean over all of a window is then multiplied. */
function windowsOf(size, radius) {
    const begin = new Int32Array(size), end = new Int32Array(size), factor = new Float64Array(size).fill(1);
    for (let i = 0; i < size; i++) {
        begin[i] = i > radius ? i - radius : 1;
        end[i] = Math.min(i + radius + 1, size);
        if (i <= radius)
            factor[i] = (2 * radius + 1) / Math.max(1, radius + i);
        else if (i >= size - radius)
            factor[i] = (2 * radius + 1) / (radius + size - i);
    }
    return {begin, end, factor};
}

/* Means of windows of 2 * radius + 1. */
function blurred(gray, radiusX, radiusY) {
    const {width, height} = gray, to = picture(width, height);
    const across = Math.min(radiusX, (width - 1) >> 1), down = Math.min(radiusY, (height - 1) >> 1);
    if (across === 0 || down === 0)
        return copyOf(gray);
    const sums = integralOf(gray), stride = width + 1;
    const area = (2 * across + 1) * (2 * down + 1);
    const columns = windowsOf(width, across), rows = windowsOf(height, down);
    for (let y = 0; y < height; y++) {
        const above = rows.begin[y] * stride, below = rows.end[y] * stride;
        for (let x = 0; x < width; x++) {
            const left = columns.begin[x], right = columns.end[x];
            const sum = sums[below + right] - sums[below + left] - sums[above + right] + sums[above + left];
            const mean = Math.floor(sum / area + 0.5);
            to.data[y * width + x] = Math.min(255, mean * rows.factor[y] * columns.factor[x]);
        }
    }
    return to;
}

/* Maxima of windows of `size`, odd, in each row; of the inverted picture, 255 - minima. Each value is
 * the larger of the maximum from its block's begin, and of that to its block's end (van Herk). */
function maximaOfRows(gray, size) {
    const {width, height, data} = gray, to = picture(width, height), radius = size >> 1;
    const length = Math.ceil((width + 2 * radius) / size) * size;
    const line = new Uint8Array(length), before = new Uint8Array(length), after = new Uint8Array(length);
    for (let y = 0; y < height; y++) {
        line.set(data.subarray(y * width, (y + 1) * width), radius);
        for (let block = 0; block < length; block += size) {
            for (let i = block, max = 0; i < block + size; i++)
                before[i] = max = line[i] > max ? line[i] : max;
            for (let i = block + size - 1, max = 0; i >= block; i--)
                after[i] = max = line[i] > max ? line[i] : max;
        }
        for (let x = 0, first = y * width; x < width; x++)
            to.data[first + x] = after[x] > before[x + size - 1] ? after[x] : before[x + size - 1];
    }
    return to;
}

const dilated = (gray, columns, rows) =>
    transposed(maximaOfRows(transposed(maximaOfRows(gray, columns)), rows));
const eroded = (gray, size) => inverted(dilated(inverted(gray), size, size));
const closed = (gray, size) => eroded(dilated(gray, size, size), size);

/* Of a binary picture; what is outside counts as 0. */
function erodedBinary(binary, size) {
    const radius = size >> 1, {width, height} = binary;
    const wide = cut(binary, -radius, -radius, width + 2 * radius, height + 2 * radius, 0);
    return cut(opposite(dilated(opposite(wide), size, size)), radius, radius, width, height);
}

const boundaryOf = (binary) => without(binary, erodedBinary(binary, 3));

/* ---- components ---- */

const ACROSS = [-1, 1, 0, 0, -1, 1, -1, 1], DOWN = [0, 0, -1, 1, -1, -1, 1, 1];

/* The indices of all of `mask` that is connected with `at`, by sides or (8) corners, too; they are set
 * in `filled`. */
function flood(mask, filled, at, connectivity) {
    const {width, height, data} = mask, pixels = [at];
    filled[at] = 1;
    for (let k = 0; k < pixels.length; k++) {
        const x = pixels[k] % width, y = (pixels[k] - x) / width;
        for (let n = 0; n < connectivity; n++) {
            const u = x + ACROSS[n], v = y + DOWN[n], next = v * width + u;
            if (u >= 0 && v >= 0 && u < width && v < height && data[next] && !filled[next]) {
                filled[next] = 1;
                pixels.push(next);
            }
        }
    }
    return pixels;
}

/* The box of pixels with these indices; right and bottom are outside. */
function boxOf(pixels, width) {
    let left = Infinity, top = Infinity, right = 0, bottom = 0;
    for (const i of pixels) {
        const x = i % width, y = (i - x) / width;
        left = x < left ? x : left;
        right = x >= right ? x + 1 : right;
        top = y < top ? y : top;
        bottom = y >= bottom ? y + 1 : bottom;
    }
    return {left, top, right, bottom};
}

/* Components, connected by sides or corners, in the order of their first pixel: their boxes, and the
 * indices of their pixels. */
function componentsOf(binary) {
    const all = [], filled = new Uint8Array(binary.data.length);
    for (let i = 0; i < filled.length; i++)
        if (binary.data[i] && !filled[i]) {
            const pixels = flood(binary, filled, i, 8);
            all.push({...boxOf(pixels, binary.width), pixels});
        }
    return all;
}

function put(binary, component, bit) {
    for (const index of component.pixels)
        binary.data[index] = bit;
}

/* The components of `mask` that have a pixel of `seeds`. */
function filledFrom(seeds, mask, connectivity) {
    const to = picture(mask.width, mask.height);
    for (let i = 0; i < to.data.length; i++)
        if (seeds.data[i] && mask.data[i] && !to.data[i])
            flood(mask, to.data, i, connectivity);
    return to;
}

function borderOf(width, height) {
    const to = picture(width, height);
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x += y === 0 || y === height - 1 || width === 1 ? 1 : width - 1)
            to.data[y * width + x] = 1;
    return to;
}

/* What is not connected with the border by sides. */
const holesOf = (binary) =>
    opposite(either(filledFrom(borderOf(binary.width, binary.height), opposite(binary), 4), binary));

function indicesOf({data}) {
    const indices = [];
    for (let i = 0; i < data.length; i++)
        if (data[i])
            indices.push(i);
    return indices;
}

/* The box of all pixels that are 1; null: none are. */
function foregroundOf(binary) {
    const pixels = indicesOf(binary);
    return pixels.length > 0 ? boxOf(pixels, binary.width) : null;
}
