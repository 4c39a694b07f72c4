/* The ink of a picture, separated from its background: src/picture/ink.c. */

/* Distribution of the values of the picture: its background, the maximum above that, and the noise.
 * Subtracts the background. */
function levelsOf(strength) {
    const counts = histogramOf(strength), max = counts.findLastIndex((number) => number > 0);
    let rank = 0.5, background = valueAtRank(counts, rank);
    const below = rankOfValue(counts, 0.5 * max);
    if (background > 0.2 * max && below < 0.7 && max > 64) {
        rank = 0.25 * below;
        background = valueAtRank(counts, rank);
    }
    const noise = background - valueAtRank(counts, 0.32 * rank), level = Math.floor(background);
    for (let i = 0; i < strength.data.length; i++)
        strength.data[i] = Math.max(0, strength.data[i] - level);
    return {max: max - level, noise};
}

/* Ink is what there is less of: the sum of the cubed differences from the local mean has its sign. If
 * there is about as much ink as background, the background has more of the picture's edge. */
function inkIsLight(gray) {
    const {width, height, data} = gray;
    const means = blurred(gray, (width - 1) >> 1, (height - 1) >> 1).data;
    let squares = 0, cubes = 0, edge = 0;
    for (let y = 0, i = 0; y < height; y++)
        for (let x = 0; x < width; x++, i++) {
            const rounded = data[i] - means[i];
            if (Math.abs(rounded) <= 2)
                continue;
            squares += rounded * rounded;
            cubes += rounded * rounded * rounded;
            if (x === 0 || y === 0 || x === width - 1 || y === height - 1)
                edge += rounded;
        }
    if (squares === 0)
        return data[0] < 128;
    const skewness = cubes * Math.sqrt(width * height) / squares ** 1.5;
    return Math.abs(skewness) > 0.6 ? skewness > 0 : edge < 0;
}

/* Values of 0 get that of a neighbour in their column, or else of a column that has one. False: all
 * are 0. */
function fillHoles(gray) {
    const {width, height, data} = gray, empty = [];
    for (let x = 0; x < width; x++) {
        let last = 0;
        for (let y = 0; y < height && last === 0; y++)
            last = data[y * width + x];
        if (last === 0)
            empty.push(x);
        for (let y = 0; y < height; y++) {
            last = data[y * width + x] || last;
            data[y * width + x] = last;
        }
    }
    const first = Array.from({length: width}, (_, x) => x).find((x) => !empty.includes(x));
    for (const x of first !== undefined ? empty : [])
        for (let y = 0; y < height; y++)
            data[y * width + x] = data[y * width + (x < first ? first : x - 1)];
    return first !== undefined;
}

/* The picture's background at half its size: a closing of every second pixel. null: it is black. */
function backgroundOf(gray, size) {
    const width = (gray.width + 1) >> 1, height = (gray.height + 1) >> 1, half = picture(width, height);
    const place = (i, from, to) => Math.min(Math.floor(from / to * i + 0.5), from - 1);
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++)
            half.data[y * width + x] =
                gray.data[place(y, gray.height, height) * gray.width + place(x, gray.width, width)];
    const background = closed(half, size);
    return fillHoles(background) ? background : null;
}

/* Strength of the ink, 0 .. 255: the fraction of the background's light that it takes away. The
 * background is what a closing leaves of the picture, blurred by `radius`; its size is 1 / `part` of
 * the side. The border, as wide, leaves the closing the picture's dark corners. */
function inkStrength(gray, part, radius) {
    const size = Math.floor(Math.floor(Math.max(gray.width, gray.height) / part) / 2) | 1;
    const border = Math.max(10, 2 * size), {width, height} = gray;
    const wide = cut(gray, -border, -border, width + 2 * border, height + 2 * border);
    const dark = inkIsLight(gray) ? inverted(wide) : wide;
    const background = backgroundOf(blurred(dark, radius, radius), size), strength = picture(width, height);
    if (background === null)
        return strength;
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
            const level = background.data[((y + border) >> 1) * background.width + ((x + border) >> 1)];
            const light = (dark.data[(y + border) * dark.width + x + border] * Math.floor(256 * 255 / level)) >> 8;
            strength.data[y * width + x] = 255 - Math.min(255, light);
        }
    return strength;
}

/* Sets to 0 where the mask is 0. */
function keep(strength, mask) {
    for (let i = 0; i < strength.data.length; i++)
        strength.data[i] *= mask.data[i];
}

/* Sets lines and frames to 0, except ink that is little else and away from the edge of the picture: a
 * thin 1. */
function clearLines(strength, min) {
    const ink = atLeast(strength, min), lines = linesOf(ink), all = count(ink);
    const inside = without(ink, borderOf(ink.width, ink.height));
    if (count(inside) < all || 10 * count(without(ink, lines)) > all)
        keep(strength, opposite(lines));
}

/* Sets to 0 all that does not belong to the drawing, which has a quarter of the strongest ink in each
 * of its components. */
function clearBackground(strength, max, min) {
    const ink = filledFrom(atLeast(strength, 0.25 * max), atLeast(strength, min), 8);
    removeSpecks(ink);
    keep(strength, ink);
}

/* Width of the sharpest edge: 1 if neighbours have the strongest ink and none. */
function edgeWidth(strength) {
    const {width, height, data} = strength;
    let max = 0, step = 1;
    for (let y = 0, i = 0; y < height; y++)
        for (let x = 0; x < width; x++, i++) {
            max = Math.max(max, data[i]);
            step = Math.max(step, Math.abs(data[i] - data[x > 0 ? i - 1 : i]),
                Math.abs(data[i] - data[y > 0 ? i - width : i]));
        }
    return max / step;
}

/* The ink, clipped to the middle of its edges, with its place in the picture; digits: 0 if nothing
 * stands out. */
function findInk(gray) {
    let strength = inkStrength(gray, 3, 0), levels = levelsOf(strength);
    let min = Math.max(2, 0.04 * levels.max), blank = 4;
    if (levels.noise >= 1) {
        strength = inkStrength(gray, 6, 3);
        levels = levelsOf(strength);
        min = Math.max(4 * levels.noise, 0.15 * levels.max);
        blank = Math.max(6 * levels.noise, 8);
    }
    if (levels.max <= blank)
        return {digits: 0};
    clearLines(strength, min);
    clearBackground(strength, levels.max, min);
    const ink = atLeast(strength, min), box = foregroundOf(ink);
    if (box === null)
        return {digits: 0};
    const width = box.right - box.left, height = box.bottom - box.top;
    const outside = (edgeWidth(strength) - 1) * Math.max(0, 0.5 - min / levels.max);
    const margin = Math.min(Math.round(outside), Math.floor(Math.min(width, height) / 4));
    const left = box.left + margin, top = box.top + margin;
    return {digits: countDigits(ink), left, top,
        strength: cut(strength, left, top, width - 2 * margin, height - 2 * margin)};
}
