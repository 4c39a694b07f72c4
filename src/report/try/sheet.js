/* A sheet of paper on a darker ground: src/picture/sheet.c. */

/* The threshold at which the two classes of values differ most (Otsu). */
function otsuThreshold(counts) {
    const all = sumOf(counts), total = counts.reduce((sum, number, value) => sum + number * value, 0);
    let best = 0, threshold = 0, below = 0, sum = 0;
    for (let value = 0; value < 256; value++) {
        below += counts[value];
        sum += counts[value] * value;
        const difference = sum / below - (total - sum) / (all - below);
        const score = below * (all - below) * difference * difference;
        if (score > best)
            [best, threshold] = [score, value];
    }
    return threshold + 1;
}

/* The angle of the sides of the smallest rectangle around the region, -pi / 4 to pi / 4, and the
 * fraction of the rectangle that the region fills: 1 for a rectangle, 0.79 for an ellipse. */
function rectangleAround(region) {
    const points = indicesOf(boundaryOf(region)).map((i) => [i % region.width, Math.floor(i / region.width)]);
    let angle = 0, smallest = Infinity;
    for (let degrees = -45; degrees < 45; degrees += 3) {
        const turned = degrees * Math.PI / 180, cosine = Math.cos(turned), sine = Math.sin(turned);
        const range = [Infinity, -Infinity, Infinity, -Infinity];
        for (const [x, y] of points) {
            const u = x * cosine + y * sine, v = y * cosine - x * sine;
            range[0] = Math.min(range[0], u);
            range[1] = Math.max(range[1], u);
            range[2] = Math.min(range[2], v);
            range[3] = Math.max(range[3], v);
        }
        const area = (range[1] - range[0] + 1) * (range[3] - range[2] + 1);
        if (area < smallest)
            [smallest, angle] = [area, turned];
    }
    return {angle, filled: count(region) / smallest};
}

/* True if the region, a bright component with its holes filled, is paper: neither a part of a drawing
 * nor about all of the picture, much lighter than the rest, all of which is dark, with something dark
 * in it. */
function isSheet(gray, bright, region) {
    const all = gray.width * gray.height, area = count(region);
    if (area < 0.1 * all || area > 0.97 * all)
        return false;
    const paper = both(bright, region), outside = opposite(region);
    const ink = 1 - count(paper) / area;
    return ink > 0.002 && ink < 0.35 && count(both(bright, outside)) < 0.1 * (all - area) &&
        medianOf(gray, outside) < 0.65 * medianOf(gray, paper);
}

const medianOf = (gray, mask) => valueAtRank(histogramOf(gray, mask), 0.5);

/* Turned around its center, by linear interpolation in sixteenths of a pixel. */
function rotated(gray, angle, fill) {
    const {width, height, data} = gray, to = picture(width, height, new Uint8Array(width * height).fill(fill));
    const sine = 16 * Math.sin(angle), cosine = 16 * Math.cos(angle);
    const centerX = width >> 1, centerY = height >> 1;
    for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
            const u = centerX - x, v = centerY - y;
            const across = Math.trunc(-u * cosine - v * sine), down = Math.trunc(-v * cosine + u * sine);
            const left = centerX + (across >> 4), top = centerY + (down >> 4), right = across & 15, bottom = down & 15;
            if (left < 0 || top < 0 || left > width - 2 || top > height - 2)
                continue;
            const at = top * width + left;
            to.data[y * width + x] = ((16 - right) * (16 - bottom) * data[at] + right * (16 - bottom) * data[at + 1] +
                (16 - right) * bottom * data[at + width] + right * bottom * data[at + width + 1] + 128) >> 8;
        }
    return to;
}

/* What is outside of the region in a row has the value of the nearest pixel inside. */
function extendRows(gray, region, paper) {
    const {width, height} = gray;
    for (let y = 0; y < height; y++) {
        const row = gray.data.subarray(y * width, (y + 1) * width);
        const inside = region.data.subarray(y * width, (y + 1) * width);
        const first = inside.indexOf(1), last = inside.lastIndexOf(1);
        row.fill(first < 0 ? paper : row[first], 0, first < 0 ? width : first);
        if (first >= 0)
            row.fill(row[last], last + 1);
    }
}

/* The sheet with something drawn on it, without its edge and upright, if the picture shows one: a
 * bright rectangle, turned or not, on a dark ground. Else the picture. */
function clippedToSheet(gray) {
    if (gray.width < 32 || gray.height < 32)
        return gray;
    const blurry = blurred(gray, 1, 1), bright = atLeast(blurry, otsuThreshold(histogramOf(blurry)));
    const parts = componentsOf(bright), component = picture(gray.width, gray.height);
    if (parts.length === 0)
        return gray;
    put(component, largestOf(parts), 1);
    const region = either(component, holesOf(component));
    if (!isSheet(gray, bright, region))
        return gray;
    const {angle, filled} = rectangleAround(region);
    const inner = erodedBinary(region, 2 * (1 + Math.floor((gray.width + gray.height) / 200)) + 1);
    const box = foregroundOf(inner);
    if (filled <= 0.85 || box === null)
        return gray;
    const paper = Math.floor(medianOf(gray, inner));
    const place = [box.left, box.top, box.right - box.left, box.bottom - box.top];
    const sheet = cut(gray, ...place);
    extendRows(sheet, cut(inner, ...place), paper);
    return Math.abs(angle) < 0.001 ? sheet : rotated(sheet, -angle, paper);
}
