/* A picture of the browser, red, green, blue and alpha, to the network's image: src/picture/decode.c,
 * and `predict`. */

/* Gray value of the background of transparent pixels. A drawing on a transparent background is ink
 * only and gets the background that contrasts with it; a picture that covers more than half, and has
 * contrast, shows its own, and its holes get the nearer extreme. */
function backgroundOfTransparent(gray, alpha) {
    const visible = histogramOf(gray, atLeast(alpha, 32)), all = sumOf(visible);
    const mean = all > 0 ? visible.reduce((sum, number, value) => sum + number * value, 0) / all : 0;
    const contrast = visible.findLastIndex((number) => number > 0) - visible.findIndex((number) => number > 0);
    const opacity = alpha.data.reduce((sum, value) => sum + value, 0) / alpha.data.length;
    return (mean >= 128) === (opacity > 127.5 && contrast > 64) ? 255 : 0;
}

function luminance(pixels) {
    const gray = picture(pixels.width, pixels.height), {data} = pixels;
    for (let i = 0; i < gray.data.length; i++)
        gray.data[i] = 0.3 * data[4 * i] + 0.5 * data[4 * i + 1] + 0.2 * data[4 * i + 2] + 0.5;
    return gray;
}

function planeOf({width, height, data}, channel) {
    const plane = picture(width, height);
    for (let i = 0; i < plane.data.length; i++)
        plane.data[i] = data[4 * i + channel];
    return plane;
}

/* One picture for each channel, 1 or 3, with transparency resolved. */
function channelsOf(pixels, channels) {
    const gray = luminance(pixels), alpha = planeOf(pixels, 3);
    const planes = channels === 1 ? [gray] : [0, 1, 2].map((channel) => planeOf(pixels, channel));
    if (alpha.data.every((value) => value === 255))
        return planes;
    const background = backgroundOfTransparent(gray, alpha);
    for (const plane of planes)
        for (let i = 0; i < plane.data.length; i++)
            plane.data[i] = ((255 - alpha.data[i]) * background + alpha.data[i] * plane.data[i]) / 255;
    return planes;
}

/* The bytes (rows, columns, channels) of the network's image of a picture {width, height, data}, as
 * ImageData has it. Throws an Error that says what is wrong with the picture. */
function imageOf(pixels, network) {
    const [rows, columns, channels] = network.input, {form} = network;
    const to = {rows, columns, box: form.box, byMass: form.byMass};
    const planes = channelsOf(pixels, channels);
    if (form.box > 0)
        return normalized(planes[0], to);
    const images = planes.map((plane) => fitted(plane, to)), image = new Uint8Array(rows * columns * channels);
    return image.map((_, i) => {
        const value = images[i % channels][Math.floor(i / channels)];
        return form.light ? 255 - value : value;
    });
}
