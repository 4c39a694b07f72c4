/* A picture to the form of the network's images: src/picture/normalize.c. */

const MAX_SIDE = 400;

/* The mean of each pixel's area of the larger picture, brought to whole numbers by `round`. */
function areaMeans(gray, width, height, round) {
    const to = picture(width, height), x = gray.width / width, y = gray.height / height;
    const overlap = (i, begin, end) => Math.min(end, i + 1) - Math.max(begin, i);
    for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++) {
            const left = column * x, top = row * y;
            let sum = 0;
            for (let v = Math.floor(top); v < gray.height && v < top + y; v++) {
                let line = 0;
                for (let u = Math.floor(left); u < gray.width && u < left + x; u++)
                    line += gray.data[v * gray.width + u] * overlap(u, left, left + x);
                sum += line * overlap(v, top, top + y);
            }
            to.data[row * width + column] = round(sum / (x * y));
        }
    return to;
}

/* A larger picture, by linear interpolation in sixteenths of a pixel. */
function interpolated(gray, width, height) {
    const to = picture(width, height);
    const at = (x, y) => gray.data[Math.min(y, gray.height - 1) * gray.width + Math.min(x, gray.width - 1)];
    for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++) {
            const down = Math.floor(16 * gray.height / height * row);
            const across = Math.floor(16 * gray.width / width * column);
            const x = across >> 4, y = down >> 4, right = across & 15, bottom = down & 15;
            to.data[row * width + column] = ((16 - right) * (16 - bottom) * at(x, y) +
                right * (16 - bottom) * at(x + 1, y) + (16 - right) * bottom * at(x, y + 1) +
                right * bottom * at(x + 1, y + 1) + 128) >> 8;
        }
    return to;
}

function scaled(gray, scale) {
    const width = Math.max(1, Math.round(gray.width * scale)), height = Math.max(1, Math.round(gray.height * scale));
    return scale > 1 ? interpolated(gray, width, height) : areaMeans(gray, width, height, Math.round);
}

/* Divides both sides by the smallest integer that leaves at most MAX_SIDE. */
function reduced(gray) {
    const factor = Math.floor((Math.max(gray.width, gray.height) - 1) / MAX_SIDE) + 1;
    const side = (length) => Math.floor((length - 1) / factor) + 1;
    return factor > 1 ? areaMeans(gray, side(gray.width), side(gray.height), Math.floor) : gray;
}

const boxSide = (to, side) => Math.max(1, Math.round(side * to.box / 28));

/* Ink that has the size already is not resampled. */
function scaleOf(ink, to) {
    const down = boxSide(to, to.rows), across = boxSide(to, to.columns);
    const left = Math.min(down - ink.height, across - ink.width);
    return left >= 0 && left <= 1 ? 1 : Math.min(down / ink.height, across / ink.width);
}

/* Where a side of `length` begins in one of `side`, so that its center is at side / 2. It stays at
 * `now` (NaN: unknown) if that is about as good. */
function offset(center, length, side, now) {
    const exact = (side >> 1) - center;
    const wanted = Math.abs(exact - now) < 0.6 ? now : Math.ceil(exact - 0.5);
    return Math.min(Math.max(wanted, 0), side - length);
}

function centerOfMass(gray) {
    let sum = 0, across = 0, down = 0;
    gray.data.forEach((value, i) => {
        sum += value;
        across += value * (i % gray.width);
        down += value * Math.floor(i / gray.width);
    });
    return [across / sum, down / sum];
}

/* The fitted ink with its center in the middle of the image, the strongest at 255. */
function centered(fit, leftNow, topNow, to) {
    const image = new Uint8Array(to.rows * to.columns), factor = 255 / Math.max(1, Math.max(...fit.data));
    const bright = map(fit, (value) => factor * value + 0.5);
    const [across, down] = to.byMass ? centerOfMass(fit) : [fit.width / 2, fit.height / 2];
    const left = offset(across, fit.width, to.columns, leftNow), top = offset(down, fit.height, to.rows, topNow);
    for (let y = 0; y < fit.height; y++)
        image.set(bright.data.subarray(y * fit.width, (y + 1) * fit.width), (top + y) * to.columns + left);
    return image;
}

/* Widens strokes that would be thinner than any of MNIST's, and pale. */
function thickened(ink, to) {
    const box = Math.min(boxSide(to, to.rows), boxSide(to, to.columns)), wanted = 1.3 / 20;
    const scale = scaleOf(ink, to);
    if (scale >= 1)
        return ink;
    const strokes = atLeast(ink, (Math.max(...ink.data) + 1) >> 1);
    const width = scale * 2 * count(strokes) / Math.max(1, count(boundaryOf(strokes))) / box;
    if (width >= 0.7 / 20)
        return ink;
    const by = Math.round((wanted - width) * box / scale) >> 1;
    return dilated(cut(ink, -by, -by, ink.width + 2 * by, ink.height + 2 * by, 0), 2 * by + 1, 2 * by + 1);
}

/* The image (rows, columns) of a gray picture's one digit; `to`: {rows, columns, box, byMass}. Throws
 * an Error that says what is wrong with the picture. */
function normalized(pixels, to) {
    const gray = clippedToSheet(reduced(pixels)), found = findInk(gray);
    if (found.digits === 0)
        throw new Error("Nothing stands out: no ink to be seen.");
    if (found.digits > 1)
        throw new Error(`It looks like ${found.digits} digits: a picture has one.`);
    const ink = thickened(found.strength, to), fit = scaled(ink, scaleOf(ink, to));
    const across = to.columns / gray.width, down = to.rows / gray.height;
    const inForm = Math.abs(across * ink.width - fit.width) <= 1 && Math.abs(down * ink.height - fit.height) <= 1;
    return centered(fit, inForm ? Math.round(across * found.left) : NaN,
        inForm ? Math.round(down * found.top) : NaN, to);
}

/* The picture resized to (rows, columns), in the middle of an image whose rest has the median of the
 * picture's border. */
function fitted(pixels, to) {
    const scale = Math.min(to.rows / pixels.height, to.columns / pixels.width);
    const fit = pixels.height === to.rows && pixels.width === to.columns ? pixels : scaled(pixels, scale);
    const counts = histogramOf(pixels, borderOf(pixels.width, pixels.height)), all = sumOf(counts);
    let median = 0;
    for (let below = 0; 2 * (below + counts[median]) < all; median++)
        below += counts[median];
    const image = new Uint8Array(to.rows * to.columns).fill(median);
    const top = (to.rows - fit.height) >> 1, left = (to.columns - fit.width) >> 1;
    for (let y = 0; y < fit.height; y++)
        image.set(fit.data.subarray(y * fit.width, (y + 1) * fit.width), (top + y) * to.columns + left);
    return image;
}
