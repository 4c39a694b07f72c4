"""try.html in a browser, beside `predict`: probabilities of images, and pictures."""
import base64

from chromium import Browser

# the probabilities of images, (count, rows, columns, channels) bytes in base64
PROBABILITIES = """(() => {
    const all = Uint8Array.from(atob("%s"), (character) => character.charCodeAt(0));
    const size = mnistBlas.network.input.reduce((a, b) => a * b), found = [];
    for (let i = 0; i < all.length; i += size)
        found.push(mnistBlas.classify(all.subarray(i, i + size)).probabilities);
    return found;
})()"""
# what the page shows after it has opened a picture
DROPPED = """(async () => {
    const bytes = Uint8Array.from(atob("%s"), (character) => character.charCodeAt(0));
    await mnistBlas.open(new Blob([bytes]));
    const {result, answer} = mnistBlas.shown();
    return {probabilities: result.probabilities ?? null, answer};
})()"""


class TryPage(Browser):
    def probabilities(self, pixels):
        """Of images (count, rows, columns, channels)."""
        return self.evaluate(PROBABILITIES % base64.b64encode(pixels).decode())

    def drop(self, picture):
        """What the page shows for the bytes of a picture: probabilities, None without an answer, and the answer."""
        return self.evaluate(DROPPED % base64.b64encode(picture).decode())
